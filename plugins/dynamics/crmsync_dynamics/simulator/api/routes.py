"""How the paths under the service are spelled: sets, keys, names and bound actions."""

SET = r"(?P<set_name>[A-Za-z_]\w*)"
KEY = r"\((?P<key>[^()]*(?:\([^()]*\)[^()]*)*)\)"
NAME = r"(?P<name>\w+)"
ACTION = r"Microsoft\.Dynamics\.CRM\."
