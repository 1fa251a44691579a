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
INSERT INTO object VALUES ('03bcd4ad-db24-4513-1108-0c693b496c45', 'ethlink', 0, '{"mac":"0c:69:3b:49:6c:45","owner":null,"vtag":0,"l2Name":"wire0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1500}');
INSERT INTO object VALUES ('16111eb1-5f7b-7f27-5802-1a77cad16228', 'vpcp', 2, '{"mac":"1a:77:ca:d1:62:28","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"committed":true,"switch":"4b8e9984-8243-87cc-5d01-4a6a7599e342","uplink":true,"peer":"03bcd4ad-db24-4513-1108-0c693b496c45","source":2}');
INSERT INTO object VALUES ('1995bd6b-9464-ac1d-6c0b-d6938cacfb2b', 'hostif', 0, '{"mac":"d6:93:8c:ac:fb:2b","owner":null,"mtuBytes":null}');
INSERT INTO object VALUES ('4600b49d-3a01-165c-5308-f8524a8c331d', 'ethlink', 1, '{"mac":"f8:52:4a:8c:33:1d","owner":null,"vtag":0,"l2Name":"under0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1600}');
INSERT INTO object VALUES ('4b8e9984-8243-87cc-5d01-4a6a7599e342', 'vpcsw', 0, '{"mac":"4a:6a:75:99:e3:42","owner":null,"vni":5001,"up":true,"floodUnknown":false,"maxEntries":0,"maxNeighbours":0,"maxAddresses":0}');
INSERT INTO object VALUES ('7389ab05-ee0f-e05f-fc02-06a4ddf90c2a', 'vpcp', 0, '{"mac":"06:a4:dd:f9:0c:2a","owner":null,"vni":5001,"vlan":0,"addresses":["10.0.0.1","fd00::1"],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"committed":true,"switch":"4b8e9984-8243-87cc-5d01-4a6a7599e342","uplink":false,"peer":"1995bd6b-9464-ac1d-6c0b-d6938cacfb2b","source":0}');
INSERT INTO object VALUES ('743d01e6-ef2e-351e-f902-88a1379c18d9', 'vpcp', 1, '{"mac":"88:a1:37:9c:18:d9","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"committed":true,"switch":"4b8e9984-8243-87cc-5d01-4a6a7599e342","uplink":false,"peer":"fe5c22c1-9cc5-b74f-de06-e084e2a8a1ee","source":1}');
INSERT INTO object VALUES ('985a2efb-e75b-5efa-a940-fa1777f154c0', 'subnet', 0, '{"mac":"fa:17:77:f1:54:c0","owner":null,"vni":5001,"prefix4":"10.0.0.0/24","prefix6":"fd00::/64","gateway4":"10.0.0.254","gateway6":"fd00::ff","maxPacket":0,"routeTable":0,"switch":"4b8e9984-8243-87cc-5d01-4a6a7599e342","router":"fd253b6a-27ac-73b2-2c03-cab36a967a8f"}');
INSERT INTO object VALUES ('adb98cd6-652f-6879-5c05-f01e4f52fe68', 'vpcmux', 0, '{"mac":"f0:1e:4f:52:fe:68","owner":null,"mtuBytes":null,"listen":"192.0.2.1:4789","direct":"auto","underlay":"4600b49d-3a01-165c-5308-f8524a8c331d","source":3}');
INSERT INTO object VALUES ('fd253b6a-27ac-73b2-2c03-cab36a967a8f', 'vpcrtr', 0, '{"mac":"ca:b3:6a:96:7a:8f","owner":null,"routes":["10.9.0.0/16 via 10.0.0.9","10.8.0.0/16 blackhole table 2"]}');
INSERT INTO object VALUES ('fe5c22c1-9cc5-b74f-de06-e084e2a8a1ee', 'vmnic', 0, '{"mac":"e0:84:e2:a8:a1:ee","owner":null,"mtuBytes":null,"queues":1,"ownerUser":null,"ownerGroup":0,"frozen":false}');
INSERT INTO entries VALUES (1, '4b8e9984-8243-87cc-5d01-4a6a7599e342', 'set', x'89130000020000000099000000000000000000000000ffff0a000009');
INSERT INTO entries VALUES (2, 'adb98cd6-652f-6879-5c05-f01e4f52fe68', 'set', x'89130000000000000000000004000000c000020200000000000000000000000089130000020000000001000004000000c0000202000000000000000000000000');
PRAGMA user_version = 5;
