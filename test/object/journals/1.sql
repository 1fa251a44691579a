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
INSERT INTO object VALUES ('17d7b552-70d4-304d-3a08-d61499a26ac7', 'ethlink', 1, '{"mac":"d6:14:99:a2:6a:c7","mtuBytes":null,"l2Name":"under0","vtag":0,"promiscBefore":false}');
INSERT INTO object VALUES ('4b78853c-3e2c-abfc-9801-cc8f2b2fadfa', 'vpcsw', 0, '{"mac":"cc:8f:2b:2f:ad:fa","vni":5001,"up":true,"floodUnknown":true}');
INSERT INTO object VALUES ('7c9317c0-9e82-df2a-db08-02daf9413d0b', 'ethlink', 0, '{"mac":"02:da:f9:41:3d:0b","mtuBytes":null,"l2Name":"wire0","vtag":7,"promiscBefore":false,"deviceMtuBytes":1500}');
INSERT INTO object VALUES ('9b44612d-7576-f4a7-7306-c07adfc6fb0f', 'vmnic', 0, '{"mac":"c0:7a:df:c6:fb:0f","mtuBytes":1300,"queues":2,"frozen":true}');
INSERT INTO object VALUES ('d04c0b34-7744-2352-4b0b-663ad9bc2c25', 'hostif', 0, '{"mac":"66:3a:d9:bc:2c:25","mtuBytes":null}');
INSERT INTO object VALUES ('e1556c6a-56ba-7952-7e05-ecb46ebc811c', 'vpcmux', 0, '{"mac":"ec:b4:6e:bc:81:1c","mtuBytes":null,"underlay":"17d7b552-70d4-304d-3a08-d61499a26ac7","listen":"192.0.2.1:4789","stats":3}');
INSERT INTO object VALUES ('e18c2623-68bd-0152-2202-06c23dff038b', 'vpcp', 0, '{"mac":"06:c2:3d:ff:03:8b","committed":true,"switch":"4b78853c-3e2c-abfc-9801-cc8f2b2fadfa","uplink":false,"peer":"d04c0b34-7744-2352-4b0b-663ad9bc2c25","vni":5001,"vlan":0,"antispoof":true,"addresses":["::ffff:10.0.0.1","fd00::1"],"stats":0}');
INSERT INTO object VALUES ('e1fb4ce8-bd1a-4121-0a02-fc5b13648217', 'vpcp', 1, '{"mac":"fc:5b:13:64:82:17","committed":true,"switch":"4b78853c-3e2c-abfc-9801-cc8f2b2fadfa","uplink":false,"peer":"9b44612d-7576-f4a7-7306-c07adfc6fb0f","vni":5001,"vlan":10,"antispoof":false,"addresses":[],"stats":1}');
INSERT INTO object VALUES ('e3dd6d0e-6af1-1c24-4f02-30ddd92a9ad5', 'vpcp', 2, '{"mac":"30:dd:d9:2a:9a:d5","committed":true,"switch":"4b78853c-3e2c-abfc-9801-cc8f2b2fadfa","uplink":true,"peer":"7c9317c0-9e82-df2a-db08-02daf9413d0b","vni":5001,"vlan":0,"antispoof":true,"addresses":[],"stats":2}');
INSERT INTO entries VALUES (1, '4b78853c-3e2c-abfc-9801-cc8f2b2fadfa', 'set', x'89130000020000000099000000000000000000000000ffff0a000009');
INSERT INTO entries VALUES (2, 'e1556c6a-56ba-7952-7e05-ecb46ebc811c', 'set', x'89130000000000000000000004000000c000020200000000000000000000000089130000020000000001000004000000c0000202000000000000000000000000');
PRAGMA user_version = 1;
