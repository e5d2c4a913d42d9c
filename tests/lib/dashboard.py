"""Prints each expression of a dashboard for Grafana, one a line, with its variables
set as Grafana does for "all".

Usage: dashboard.py FILE
"""
import json
import sys

VARIABLES = {"$__rate_interval": "1m", "$instance": ".*", "$httpd": ".*"}


def expressions(value):
    if isinstance(value, list):
        for item in value:
            yield from expressions(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "expr":
                yield item
            else:
                yield from expressions(item)


def main():
    with open(sys.argv[1]) as file:
        dashboard = json.load(file)
    for text in expressions(dashboard):
        for name, content in VARIABLES.items():
            text = text.replace(name, content)
        print(text)


main()
