"""The public door for simulators: what every simulated CRM needs and none should write again.

A simulator of a CRM keeps that CRM's rules; from here it takes calls, replies and routes, the server that carries
them, with a certificate for https on loopback, its control path, planted faults, statistics, fictional records in many
scripts, and a process with a ready line.
"""

from crmsync.simulate.acts import Body, change_schema, expire, move_clock, read_object
from crmsync.simulate.automation import Automation, Lock, Trigger, Validation
from crmsync.simulate.calls import Call, Refusal, Reply
from crmsync.simulate.certificate import Certificate, make_certificate
from crmsync.simulate.control import PREFIX, Control
from crmsync.simulate.faults import Fault, FaultPlan
from crmsync.simulate.loopback import Loopback, deliver, packed
from crmsync.simulate.made import Columns, Made, Plan, without_collecting
from crmsync.simulate.names import CULTURES, Culture
from crmsync.simulate.planted import FaultActions, titled_page
from crmsync.simulate.reached import email_addresses, phone_numbers, places, shared_addresses
from crmsync.simulate.ready import print_ready, serve_until_signal
from crmsync.simulate.records import Draw
from crmsync.simulate.routes import Handler, Route, find_route, is_path, route
from crmsync.simulate.server import Server
from crmsync.simulate.serving import serve_org, serving_options
from crmsync.simulate.site import Site
from crmsync.simulate.statistics import Statistics
from crmsync.simulate.texts import PARAGRAPHS

__all__ = [
    "CULTURES",
    "PARAGRAPHS",
    "PREFIX",
    "Automation",
    "Body",
    "Call",
    "Certificate",
    "Columns",
    "Control",
    "Culture",
    "Draw",
    "Fault",
    "FaultActions",
    "FaultPlan",
    "Handler",
    "Lock",
    "Loopback",
    "Made",
    "Plan",
    "Refusal",
    "Reply",
    "Route",
    "Server",
    "Site",
    "Statistics",
    "Trigger",
    "Validation",
    "change_schema",
    "deliver",
    "email_addresses",
    "expire",
    "find_route",
    "is_path",
    "make_certificate",
    "move_clock",
    "packed",
    "phone_numbers",
    "places",
    "print_ready",
    "read_object",
    "route",
    "serve_org",
    "serve_until_signal",
    "serving_options",
    "shared_addresses",
    "titled_page",
    "without_collecting",
]
