"""A folder of CSV files as a CRM: the smallest complete connector."""
