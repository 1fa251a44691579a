CREATE TABLE entries (
    sequence INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('set', 'delete')),
    body BLOB NOT NULL
  ) STRICT;
CREATE TABLE object (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    unit INTEGER NOT NULL,
    settings TEXT NOT NULL,
    UNIQUE (type, unit)
  ) STRICT, WITHOUT ROWID;
CREATE INDEX entries_by_owner ON entries (owner);
INSERT INTO object VALUES ('80bb39c8-6d9f-b3bd-8908-2e8ed82629ab', 'ethlink', 1, '{"mac":"2e:8e:d8:26:29:ab","vtag":0,"l2Name":"under0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1600}');
INSERT INTO object VALUES ('8e4fdf90-716f-869d-9e06-ae995f57eb51', 'vmnic', 0, '{"mac":"ae:99:5f:57:eb:51","mtuBytes":null,"queues":1,"ownerUser":null,"ownerGroup":0,"frozen":false}');
INSERT INTO object VALUES ('94441660-6cfa-d54e-ee08-3aa438795c6f', 'ethlink', 0, '{"mac":"3a:a4:38:79:5c:6f","vtag":0,"l2Name":"wire0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1500}');
INSERT INTO object VALUES ('b4f73285-8c6b-4b49-b101-a48943ed6f13', 'vpcsw', 0, '{"mac":"a4:89:43:ed:6f:13","vni":5001,"up":true,"floodUnknown":false}');
INSERT INTO object VALUES ('b814847f-81c9-53f8-6202-720108cfb3f2', 'vpcp', 1, '{"mac":"72:01:08:cf:b3:f2","vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"committed":true,"switch":"b4f73285-8c6b-4b49-b101-a48943ed6f13","uplink":false,"peer":"8e4fdf90-716f-869d-9e06-ae995f57eb51","stats":1}');
INSERT INTO object VALUES ('bc3fa2dc-01fb-ccc8-d70b-c0dfa62053d9', 'hostif', 0, '{"mac":"c0:df:a6:20:53:d9","mtuBytes":null}');
INSERT INTO object VALUES ('c7ee5150-0252-9781-ad05-e8b1714661f3', 'vpcmux', 0, '{"mac":"e8:b1:71:46:61:f3","mtuBytes":null,"listen":"192.0.2.1:4789","underlay":"80bb39c8-6d9f-b3bd-8908-2e8ed82629ab","stats":3}');
INSERT INTO object VALUES ('cbcbe80b-fb24-746f-3202-044887a13bfc', 'vpcp', 2, '{"mac":"04:48:87:a1:3b:fc","vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"committed":true,"switch":"b4f73285-8c6b-4b49-b101-a48943ed6f13","uplink":true,"peer":"94441660-6cfa-d54e-ee08-3aa438795c6f","stats":2}');
INSERT INTO object VALUES ('f370c08c-bc51-90e5-d102-1a769a506aa3', 'vpcp', 0, '{"mac":"1a:76:9a:50:6a:a3","vni":5001,"vlan":0,"addresses":["10.0.0.1","fd00::1"],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"committed":true,"switch":"b4f73285-8c6b-4b49-b101-a48943ed6f13","uplink":false,"peer":"bc3fa2dc-01fb-ccc8-d70b-c0dfa62053d9","stats":0}');
INSERT INTO entries VALUES (1, 'b4f73285-8c6b-4b49-b101-a48943ed6f13', 'set', x'89130000020000000099000000000000000000000000ffff0a000009');
INSERT INTO entries VALUES (2, 'c7ee5150-0252-9781-ad05-e8b1714661f3', 'set', x'89130000000000000000000004000000c000020200000000000000000000000089130000020000000001000004000000c0000202000000000000000000000000');
PRAGMA user_version = 3;
