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
INSERT INTO object VALUES ('0582d775-5022-877a-c002-f460a101396d', 'vpcp', 1, '{"mac":"f4:60:a1:01:39:6d","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"committed":true,"switch":"464389da-9c43-1f23-8f01-fc0a3b629ce3","uplink":false,"peer":"b014f797-6ceb-82a5-9206-5c8a4b749b18","source":1}');
INSERT INTO object VALUES ('464389da-9c43-1f23-8f01-fc0a3b629ce3', 'vpcsw', 0, '{"mac":"fc:0a:3b:62:9c:e3","owner":null,"vni":5001,"up":true,"floodUnknown":false}');
INSERT INTO object VALUES ('5095f528-bb4b-ea5b-2802-1a6b40f49494', 'vpcp', 0, '{"mac":"1a:6b:40:f4:94:94","owner":null,"vni":5001,"vlan":0,"addresses":["10.0.0.1","fd00::1"],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"committed":true,"switch":"464389da-9c43-1f23-8f01-fc0a3b629ce3","uplink":false,"peer":"7f2f0a90-736c-b616-4c0b-1010f67d115f","source":0}');
INSERT INTO object VALUES ('6a8d190b-a172-f2f9-5308-da5e644d8a4a', 'ethlink', 1, '{"mac":"da:5e:64:4d:8a:4a","owner":null,"vtag":0,"l2Name":"under0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1600}');
INSERT INTO object VALUES ('7f2f0a90-736c-b616-4c0b-1010f67d115f', 'hostif', 0, '{"mac":"10:10:f6:7d:11:5f","owner":null,"mtuBytes":null}');
INSERT INTO object VALUES ('a92994d5-b5f0-afcf-d905-78321099a036', 'vpcmux', 0, '{"mac":"78:32:10:99:a0:36","owner":null,"mtuBytes":null,"listen":"192.0.2.1:4789","direct":"auto","underlay":"6a8d190b-a172-f2f9-5308-da5e644d8a4a","source":3}');
INSERT INTO object VALUES ('b014f797-6ceb-82a5-9206-5c8a4b749b18', 'vmnic', 0, '{"mac":"5c:8a:4b:74:9b:18","owner":null,"mtuBytes":null,"queues":1,"ownerUser":null,"ownerGroup":0,"frozen":false}');
INSERT INTO object VALUES ('b271e885-72c6-88eb-1b08-96513f0ca448', 'ethlink', 0, '{"mac":"96:51:3f:0c:a4:48","owner":null,"vtag":0,"l2Name":"wire0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1500}');
INSERT INTO object VALUES ('e2643780-d6cc-4b73-d102-58ae330f3f86', 'vpcp', 2, '{"mac":"58:ae:33:0f:3f:86","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"committed":true,"switch":"464389da-9c43-1f23-8f01-fc0a3b629ce3","uplink":true,"peer":"b271e885-72c6-88eb-1b08-96513f0ca448","source":2}');
INSERT INTO entries VALUES (1, '464389da-9c43-1f23-8f01-fc0a3b629ce3', 'set', x'89130000020000000099000000000000000000000000ffff0a000009');
INSERT INTO entries VALUES (2, 'a92994d5-b5f0-afcf-d905-78321099a036', 'set', x'89130000000000000000000004000000c000020200000000000000000000000089130000020000000001000004000000c0000202000000000000000000000000');
PRAGMA user_version = 3;
