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
INSERT INTO object VALUES ('33c2927d-c99f-04f9-6808-baf20137930d', 'ethlink', 1, '{"mac":"ba:f2:01:37:93:0d","owner":null,"vtag":0,"l2Name":"under0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1600}');
INSERT INTO object VALUES ('3d1f808a-aedd-bc1e-6e02-aa77f7585eef', 'vpcp', 0, '{"mac":"aa:77:f7:58:5e:ef","owner":null,"vni":5001,"vlan":0,"addresses":["10.0.0.1","fd00::1"],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"committed":true,"switch":"9759f0fc-f21e-d16f-9d01-2e4bf704050d","uplink":false,"peer":"b5911ae6-ffb2-1f6b-cb0b-9437a67cf413","stats":0}');
INSERT INTO object VALUES ('516aecaa-02ee-d5b8-5605-041c9ff9aca9', 'vpcmux', 0, '{"mac":"04:1c:9f:f9:ac:a9","owner":null,"mtuBytes":null,"listen":"192.0.2.1:4789","direct":"auto","underlay":"33c2927d-c99f-04f9-6808-baf20137930d","stats":3}');
INSERT INTO object VALUES ('57d32da4-0f0c-6da7-0806-5a23ce0a1867', 'vmnic', 0, '{"mac":"5a:23:ce:0a:18:67","owner":null,"mtuBytes":null,"queues":1,"ownerUser":null,"ownerGroup":0,"frozen":false}');
INSERT INTO object VALUES ('74de869d-20f4-267d-4a02-2c4d474b8591', 'vpcp', 2, '{"mac":"2c:4d:47:4b:85:91","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"committed":true,"switch":"9759f0fc-f21e-d16f-9d01-2e4bf704050d","uplink":true,"peer":"bfbdae5f-1437-c30c-a108-704f0c83a127","stats":2}');
INSERT INTO object VALUES ('9759f0fc-f21e-d16f-9d01-2e4bf704050d', 'vpcsw', 0, '{"mac":"2e:4b:f7:04:05:0d","owner":null,"vni":5001,"up":true,"floodUnknown":false}');
INSERT INTO object VALUES ('b5911ae6-ffb2-1f6b-cb0b-9437a67cf413', 'hostif', 0, '{"mac":"94:37:a6:7c:f4:13","owner":null,"mtuBytes":null}');
INSERT INTO object VALUES ('baa45ccd-73a6-8150-8302-ce4fc1fb81e8', 'vpcp', 1, '{"mac":"ce:4f:c1:fb:81:e8","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"committed":true,"switch":"9759f0fc-f21e-d16f-9d01-2e4bf704050d","uplink":false,"peer":"57d32da4-0f0c-6da7-0806-5a23ce0a1867","stats":1}');
INSERT INTO object VALUES ('bfbdae5f-1437-c30c-a108-704f0c83a127', 'ethlink', 0, '{"mac":"70:4f:0c:83:a1:27","owner":null,"vtag":0,"l2Name":"wire0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1500}');
INSERT INTO entries VALUES (1, '9759f0fc-f21e-d16f-9d01-2e4bf704050d', 'set', x'89130000020000000099000000000000000000000000ffff0a000009');
INSERT INTO entries VALUES (2, '516aecaa-02ee-d5b8-5605-041c9ff9aca9', 'set', x'89130000000000000000000004000000c000020200000000000000000000000089130000020000000001000004000000c0000202000000000000000000000000');
PRAGMA user_version = 3;
