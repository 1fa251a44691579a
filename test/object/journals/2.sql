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
INSERT INTO object VALUES ('52aea268-92bb-6d7c-3502-4e67555c5019', 'vpcp', 2, '{"mac":"4e:67:55:5c:50:19","vni":5001,"vlan":0,"addresses":[],"antispoof":true,"committed":true,"switch":"bb8d908b-998d-d715-a101-f414defefbd2","uplink":true,"peer":"e1b1ee23-847d-3126-4308-da38b2a57c6b","stats":2}');
INSERT INTO object VALUES ('5bba355d-d041-a9e9-8308-4eebc8bc65fb', 'ethlink', 1, '{"mac":"4e:eb:c8:bc:65:fb","vtag":0,"l2Name":"under0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1600}');
INSERT INTO object VALUES ('88df702a-be04-948f-b40b-f6dc3ee6be6b', 'hostif', 0, '{"mac":"f6:dc:3e:e6:be:6b","mtuBytes":null}');
INSERT INTO object VALUES ('93d9ae84-e9a2-ee2d-8702-7ef0e912c879', 'vpcp', 0, '{"mac":"7e:f0:e9:12:c8:79","vni":5001,"vlan":0,"addresses":["10.0.0.1","fd00::1"],"antispoof":true,"committed":true,"switch":"bb8d908b-998d-d715-a101-f414defefbd2","uplink":false,"peer":"88df702a-be04-948f-b40b-f6dc3ee6be6b","stats":0}');
INSERT INTO object VALUES ('bb8d908b-998d-d715-a101-f414defefbd2', 'vpcsw', 0, '{"mac":"f4:14:de:fe:fb:d2","vni":5001,"up":true,"floodUnknown":false}');
INSERT INTO object VALUES ('cfa7b5d4-4609-36b0-d005-d6853f3a68b1', 'vpcmux', 0, '{"mac":"d6:85:3f:3a:68:b1","mtuBytes":null,"listen":"192.0.2.1:4789","underlay":"5bba355d-d041-a9e9-8308-4eebc8bc65fb","stats":3}');
INSERT INTO object VALUES ('e1b1ee23-847d-3126-4308-da38b2a57c6b', 'ethlink', 0, '{"mac":"da:38:b2:a5:7c:6b","vtag":0,"l2Name":"wire0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1500}');
INSERT INTO object VALUES ('e4646c4c-486f-0e9e-d706-627aefff60e6', 'vmnic', 0, '{"mac":"62:7a:ef:ff:60:e6","mtuBytes":null,"queues":1,"ownerUser":null,"ownerGroup":0,"frozen":false}');
INSERT INTO object VALUES ('e5dc897e-5551-aed0-0f02-36895f036eed', 'vpcp', 1, '{"mac":"36:89:5f:03:6e:ed","vni":5001,"vlan":0,"addresses":[],"antispoof":true,"committed":true,"switch":"bb8d908b-998d-d715-a101-f414defefbd2","uplink":false,"peer":"e4646c4c-486f-0e9e-d706-627aefff60e6","stats":1}');
INSERT INTO entries VALUES (1, 'bb8d908b-998d-d715-a101-f414defefbd2', 'set', x'89130000020000000099000000000000000000000000ffff0a000009');
INSERT INTO entries VALUES (2, 'cfa7b5d4-4609-36b0-d005-d6853f3a68b1', 'set', x'89130000000000000000000004000000c000020200000000000000000000000089130000020000000001000004000000c0000202000000000000000000000000');
PRAGMA user_version = 2;
