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
INSERT INTO object VALUES ('1e0db7e4-cacd-5b94-a906-22edcfbecf04', 'vmnic', 0, '{"mac":"22:ed:cf:be:cf:04","owner":null,"mtuBytes":null,"queues":1,"ownerUser":null,"ownerGroup":0,"frozen":false}');
INSERT INTO object VALUES ('2a49099a-86cb-9c14-a208-d21b95a379ba', 'ethlink', 0, '{"mac":"d2:1b:95:a3:79:ba","owner":null,"vtag":0,"l2Name":"wire0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1500}');
INSERT INTO object VALUES ('3cad256a-6809-36ff-5605-1c216e8e5a84', 'vpcmux', 0, '{"mac":"1c:21:6e:8e:5a:84","owner":null,"mtuBytes":null,"listen":"192.0.2.1:4789","direct":"auto","underlay":"e83b8599-9b95-b688-fe08-eef3a0b294c3","source":3}');
INSERT INTO object VALUES ('8a6ae1da-acc9-1094-7d01-90609d174c5d', 'vpcsw', 0, '{"mac":"90:60:9d:17:4c:5d","owner":null,"vni":5001,"up":true,"floodUnknown":false,"maxEntries":0,"maxNeighbours":0,"maxAddresses":0}');
INSERT INTO object VALUES ('a69ef57d-27d3-6899-8c02-fa0e4c39c03d', 'vpcp', 1, '{"mac":"fa:0e:4c:39:c0:3d","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"committed":true,"switch":"8a6ae1da-acc9-1094-7d01-90609d174c5d","uplink":false,"peer":"1e0db7e4-cacd-5b94-a906-22edcfbecf04","source":1}');
INSERT INTO object VALUES ('bf48d3e5-a1dd-9c59-b102-70ac37bcc22c', 'vpcp', 0, '{"mac":"70:ac:37:bc:c2:2c","owner":null,"vni":5001,"vlan":0,"addresses":["10.0.0.1","fd00::1"],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"committed":true,"switch":"8a6ae1da-acc9-1094-7d01-90609d174c5d","uplink":false,"peer":"dca2dba3-0b46-e7d8-440b-209ccbed25e9","source":0}');
INSERT INTO object VALUES ('cc9ebd38-ce54-90f3-d702-f21f87e18602', 'vpcp', 2, '{"mac":"f2:1f:87:e1:86:02","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"committed":true,"switch":"8a6ae1da-acc9-1094-7d01-90609d174c5d","uplink":true,"peer":"2a49099a-86cb-9c14-a208-d21b95a379ba","source":2}');
INSERT INTO object VALUES ('dca2dba3-0b46-e7d8-440b-209ccbed25e9', 'hostif', 0, '{"mac":"20:9c:cb:ed:25:e9","owner":null,"mtuBytes":null}');
INSERT INTO object VALUES ('e83b8599-9b95-b688-fe08-eef3a0b294c3', 'ethlink', 1, '{"mac":"ee:f3:a0:b2:94:c3","owner":null,"vtag":0,"l2Name":"under0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1600}');
INSERT INTO entries VALUES (1, '8a6ae1da-acc9-1094-7d01-90609d174c5d', 'set', x'89130000020000000099000000000000000000000000ffff0a000009');
INSERT INTO entries VALUES (2, '3cad256a-6809-36ff-5605-1c216e8e5a84', 'set', x'89130000000000000000000004000000c000020200000000000000000000000089130000020000000001000004000000c0000202000000000000000000000000');
PRAGMA user_version = 4;
