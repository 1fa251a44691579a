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
INSERT INTO object VALUES ('4d424f36-4abf-60a9-d402-12f1247b5463', 'vpcp', 2, '{"mac":"12:f1:24:7b:54:63","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"committed":true,"switch":"cf5b1a70-3739-9dd6-8301-36b0f829ed43","uplink":true,"peer":"f4ecc075-f47a-83d4-5708-a2dc9d8377a5","source":2}');
INSERT INTO object VALUES ('546c07bf-2d37-8377-5408-aa6fe68e61ab', 'ethlink', 1, '{"mac":"aa:6f:e6:8e:61:ab","owner":null,"vtag":0,"l2Name":"under0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1600}');
INSERT INTO object VALUES ('638c17ff-5a4f-dca2-770b-aac74e1e397a', 'hostif', 0, '{"mac":"aa:c7:4e:1e:39:7a","owner":null,"mtuBytes":null}');
INSERT INTO object VALUES ('81959f5a-2d5c-cdb7-5005-06e5363ddea2', 'vpcmux', 0, '{"mac":"06:e5:36:3d:de:a2","owner":null,"mtuBytes":null,"listen":"192.0.2.1:4789","direct":"auto","exclusive":true,"underlay":"546c07bf-2d37-8377-5408-aa6fe68e61ab","source":3}');
INSERT INTO object VALUES ('92e70df2-4d8a-bb53-7902-d6a3af32da8a', 'vpcp', 1, '{"mac":"d6:a3:af:32:da:8a","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":50,"dhcpRate":100,"committed":true,"switch":"cf5b1a70-3739-9dd6-8301-36b0f829ed43","uplink":false,"peer":"e733a9ea-3bd0-96c0-1706-0801258c3714","source":1}');
INSERT INTO object VALUES ('bdebe60a-a741-fbed-7c40-5a6bebd69a7d', 'subnet', 0, '{"mac":"5a:6b:eb:d6:9a:7d","owner":null,"vni":5001,"prefix4":"10.0.0.0/24","prefix6":"fd00::/64","gateway4":"10.0.0.254","gateway6":"fd00::ff","maxPacket":0,"routeTable":0,"switch":"cf5b1a70-3739-9dd6-8301-36b0f829ed43","router":"e00a26d5-58b5-9ea9-0b03-063b91db29e6"}');
INSERT INTO object VALUES ('beb63f0e-8a78-4e20-8d02-18de6348ec62', 'vpcp', 0, '{"mac":"18:de:63:48:ec:62","owner":null,"vni":5001,"vlan":0,"addresses":["10.0.0.1","fd00::1"],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"committed":true,"switch":"cf5b1a70-3739-9dd6-8301-36b0f829ed43","uplink":false,"peer":"638c17ff-5a4f-dca2-770b-aac74e1e397a","source":0}');
INSERT INTO object VALUES ('cf5b1a70-3739-9dd6-8301-36b0f829ed43', 'vpcsw', 0, '{"mac":"36:b0:f8:29:ed:43","owner":null,"vni":5001,"up":true,"floodUnknown":false,"maxEntries":0,"maxNeighbours":0,"maxAddresses":0}');
INSERT INTO object VALUES ('e00a26d5-58b5-9ea9-0b03-063b91db29e6', 'vpcrtr', 0, '{"mac":"06:3b:91:db:29:e6","owner":null,"routes":["10.9.0.0/16 via 10.0.0.9","10.8.0.0/16 blackhole table 2"]}');
INSERT INTO object VALUES ('e733a9ea-3bd0-96c0-1706-0801258c3714', 'vmnic', 0, '{"mac":"08:01:25:8c:37:14","owner":null,"mtuBytes":null,"queues":1,"ownerUser":null,"ownerGroup":0,"frozen":false}');
INSERT INTO object VALUES ('f4ecc075-f47a-83d4-5708-a2dc9d8377a5', 'ethlink', 0, '{"mac":"a2:dc:9d:83:77:a5","owner":null,"vtag":0,"l2Name":"wire0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1500}');
INSERT INTO entries VALUES (1, 'cf5b1a70-3739-9dd6-8301-36b0f829ed43', 'set', x'89130000020000000099000000000000000000000000ffff0a000009');
INSERT INTO entries VALUES (2, '81959f5a-2d5c-cdb7-5005-06e5363ddea2', 'set', x'89130000000000000000000004000000c000020200000000000000000000000089130000020000000001000004000000c0000202000000000000000000000000');
PRAGMA user_version = 5;
