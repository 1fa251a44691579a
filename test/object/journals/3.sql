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
INSERT INTO object VALUES ('3f02872b-fff4-8af8-8b0b-4a967b924272', 'hostif', 0, '{"mac":"4a:96:7b:92:42:72","owner":null,"mtuBytes":null}');
INSERT INTO object VALUES ('4f0f904e-8ec9-18b0-6a01-3a6500db4415', 'vpcsw', 0, '{"mac":"3a:65:00:db:44:15","owner":null,"vni":5001,"up":true,"floodUnknown":false,"maxEntries":0,"maxNeighbours":0,"maxAddresses":0}');
INSERT INTO object VALUES ('79cb459a-bb70-1688-6d02-d60d7b178c25', 'vpcp', 1, '{"mac":"d6:0d:7b:17:8c:25","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"committed":true,"switch":"4f0f904e-8ec9-18b0-6a01-3a6500db4415","uplink":false,"peer":"aab8bf21-c404-80e1-a906-7ef7a792d3ca","source":1}');
INSERT INTO object VALUES ('9b49c579-874e-7eb5-3702-bea84a2623f0', 'vpcp', 0, '{"mac":"be:a8:4a:26:23:f0","owner":null,"vni":5001,"vlan":0,"addresses":["10.0.0.1","fd00::1"],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"committed":true,"switch":"4f0f904e-8ec9-18b0-6a01-3a6500db4415","uplink":false,"peer":"3f02872b-fff4-8af8-8b0b-4a967b924272","source":0}');
INSERT INTO object VALUES ('9e366f44-dd09-d7f4-7205-ea432aee508e', 'vpcmux', 0, '{"mac":"ea:43:2a:ee:50:8e","owner":null,"mtuBytes":null,"listen":"192.0.2.1:4789","direct":"auto","underlay":"b4e52f69-8dd4-d5aa-b008-9c7a45887882","source":3}');
INSERT INTO object VALUES ('a9f32324-562d-482e-be08-be322821394d', 'ethlink', 0, '{"mac":"be:32:28:21:39:4d","owner":null,"vtag":0,"l2Name":"wire0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1500}');
INSERT INTO object VALUES ('aab8bf21-c404-80e1-a906-7ef7a792d3ca', 'vmnic', 0, '{"mac":"7e:f7:a7:92:d3:ca","owner":null,"mtuBytes":null,"queues":1,"ownerUser":null,"ownerGroup":0,"frozen":false}');
INSERT INTO object VALUES ('b4e52f69-8dd4-d5aa-b008-9c7a45887882', 'ethlink', 1, '{"mac":"9c:7a:45:88:78:82","owner":null,"vtag":0,"l2Name":"under0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1600}');
INSERT INTO object VALUES ('bdbc7678-61ab-0342-4402-322b2ef358f0', 'vpcp', 2, '{"mac":"32:2b:2e:f3:58:f0","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"committed":true,"switch":"4f0f904e-8ec9-18b0-6a01-3a6500db4415","uplink":true,"peer":"a9f32324-562d-482e-be08-be322821394d","source":2}');
INSERT INTO entries VALUES (1, '4f0f904e-8ec9-18b0-6a01-3a6500db4415', 'set', x'89130000020000000099000000000000000000000000ffff0a000009');
INSERT INTO entries VALUES (2, '9e366f44-dd09-d7f4-7205-ea432aee508e', 'set', x'89130000000000000000000004000000c000020200000000000000000000000089130000020000000001000004000000c0000202000000000000000000000000');
PRAGMA user_version = 3;
