"""ocsf_check.py FILE: do the events hold what the OCSF schema 1.3.0 requires of them?

Required attributes, constraints (at least one of) and the numbers of activities, of each class that
failcore writes and of every object in it. Prints each kind of fault once; exit 1 when there is one.
"""
import json
import sys

# class: (category, attributes required beside those of every event, numbers of its activities)
CLASSES = {
    1001: (1, ["actor", "device", "file"], range(1, 15)),
    1007: (1, ["actor", "device", "process"], range(1, 6)),
    4001: (4, ["dst_endpoint"], range(1, 8)),
    4003: (4, [], [1, 2, 6]),
    6002: (6, ["app"], range(1, 9)),
}
EVENT = ["activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid", "action_id"]
# object: (required, at least one of)
OBJECTS = {
    "actor": ([], ["process", "user", "session", "app_name", "app_uid", "invoked_by"]),
    "process": ([], ["pid", "uid"]),
    "file": (["name", "type_id"], []),
    "device": (["type_id"], ["ip", "uid", "name", "hostname", "instance_uid", "interface_uid", "interface_name"]),
    "endpoint": ([], ["ip", "uid", "name", "hostname", "svc_name", "instance_uid", "interface_uid", "interface_name"]),
    "query": (["hostname"], []),
    "user": ([], ["account", "name", "uid"]),
    "metadata": (["product", "version"], []),
    "product": (["vendor_name"], ["name", "uid"]),
    "connection": (["direction_id"], []),
    "rule": ([], ["name", "uid"]),
}
# attribute: the object that it is
TYPES = {"actor": "actor", "process": "process", "file": "file", "file_result": "file", "device": "device", "user": "user",
         "dst_endpoint": "endpoint", "src_endpoint": "endpoint", "query": "query", "metadata": "metadata", "product": "product",
         "app": "product", "connection_info": "connection", "firewall_rule": "rule"}
NUMBERS = {"severity_id": range(0, 7), "status_id": [0, 1, 2, 99], "action_id": [0, 1, 2, 99], "direction_id": [0, 1, 2, 3, 99]}
STRINGS = {"name", "path", "hostname", "ip", "version", "vendor_name", "uid", "errno", "entry_hash", "status_detail"}
problems, classes, count = set(), set(), 0


def check(where, value):
    for name, member in value.items():
        if name in NUMBERS and member not in NUMBERS[name]:
            problems.add(f"{where}.{name}: {member}")
        if name in STRINGS and not isinstance(member, str):
            problems.add(f"{where}.{name} is no string")
        if name in TYPES:
            kind = TYPES[name]
            required, some = OBJECTS[kind]
            for wanted in required:
                if member.get(wanted) in (None, ""):
                    problems.add(f"{where}.{name} has no {wanted}")
            if some and not any(member.get(one) not in (None, "") for one in some):
                problems.add(f"{where}.{name} has none of {', '.join(some)}")
            check(f"{where}.{name}", member)
        elif isinstance(member, dict) and name != "unmapped":
            problems.add(f"{where}.{name}: an object that the schema does not have there")


for line in open(sys.argv[1], encoding="utf-8"):
    event = json.loads(line)
    count += 1
    number = event.get("class_uid")
    if number not in CLASSES:
        problems.add(f"class {number}")
        continue
    classes.add(number)
    category, required, activities = CLASSES[number]
    for wanted in EVENT + required:
        if event.get(wanted) is None:
            problems.add(f"{number} has no {wanted}")
    if event["category_uid"] != category or event["type_uid"] != number * 100 + event["activity_id"]:
        problems.add(f"{number}: category {event['category_uid']}, type {event['type_uid']}")
    if event["activity_id"] not in (0, 99, *activities):
        problems.add(f"{number}: activity {event['activity_id']}")
    if event["metadata"].get("version") != "1.3.0" or not isinstance(event["time"], int):
        problems.add(f"{number}: version or time")
    if event["metadata"].get("sequence") is None or len(event["unmapped"]["entry_hash"]) != 64:
        problems.add(f"{number}: no way back to the record")
    check(str(number), event)
for problem in sorted(problems):
    print(problem)
print(f"{count} events of classes {sorted(classes)}")
sys.exit(1 if problems or not count else 0)
