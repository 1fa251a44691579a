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
INSERT INTO object VALUES ('0ee5eb6f-5715-8854-0341-2c71313a8d29', 'group', 0, '{"mac":"2c:71:31:3a:8d:29","owner":null,"name":null,"switch":"a881c6ec-da89-561d-f901-4c4517012c34","onRevoke":"end","tcpIdle":7200,"members":["10.0.0.7"],"rules":[{"id":"10","direction":"in","protocol":"tcp","ports":["22"],"peers":["184657c7-017f-259f-5142-3268722ab937"]}]}');
INSERT INTO object VALUES ('184657c7-017f-259f-5142-3268722ab937', 'set', 0, '{"mac":"32:68:72:2a:b9:37","owner":null,"name":null,"switch":"a881c6ec-da89-561d-f901-4c4517012c34","networks":["192.0.2.0/24"]}');
INSERT INTO object VALUES ('1b60bf3b-54cf-0039-2502-764425658fde', 'vpcp', 2, '{"mac":"76:44:25:65:8f:de","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"groups":[],"maxFlows":16384,"committed":true,"switch":"a881c6ec-da89-561d-f901-4c4517012c34","uplink":true,"peer":"836fc7b8-b4fd-ae85-be08-c49adfaf49d8","source":2}');
INSERT INTO object VALUES ('34e36bd7-67ba-97ff-9240-f4610cd4dfd7', 'subnet', 0, '{"mac":"f4:61:0c:d4:df:d7","owner":null,"vni":5001,"prefix4":"10.0.0.0/24","prefix6":"fd00::/64","gateway4":"10.0.0.254","gateway6":"fd00::ff","maxPacket":0,"routeTable":0,"switch":"a881c6ec-da89-561d-f901-4c4517012c34","router":"a5fb8966-3f11-0cf8-3603-3080a1600d1d"}');
INSERT INTO object VALUES ('3f0dbff3-4393-23a5-9808-44f968414273', 'ethlink', 1, '{"mac":"44:f9:68:41:42:73","owner":null,"vtag":0,"l2Name":"under0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1600}');
INSERT INTO object VALUES ('5e51d897-a29f-9648-d002-e831bbe26ecd', 'vpcp', 0, '{"mac":"e8:31:bb:e2:6e:cd","owner":null,"vni":5001,"vlan":0,"addresses":["10.0.0.1","fd00::1"],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"groups":["0ee5eb6f-5715-8854-0341-2c71313a8d29"],"maxFlows":16384,"committed":true,"switch":"a881c6ec-da89-561d-f901-4c4517012c34","uplink":false,"peer":"fe30fc42-988f-5508-e40b-b8aa3621d1a4","source":0}');
INSERT INTO object VALUES ('836fc7b8-b4fd-ae85-be08-c49adfaf49d8', 'ethlink', 0, '{"mac":"c4:9a:df:af:49:d8","owner":null,"vtag":0,"l2Name":"wire0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1500}');
INSERT INTO object VALUES ('a5fb8966-3f11-0cf8-3603-3080a1600d1d', 'vpcrtr', 0, '{"mac":"30:80:a1:60:0d:1d","owner":null,"routes":["10.9.0.0/16 via 10.0.0.9","10.8.0.0/16 blackhole table 2"]}');
INSERT INTO object VALUES ('a881c6ec-da89-561d-f901-4c4517012c34', 'vpcsw', 0, '{"mac":"4c:45:17:01:2c:34","owner":null,"vni":5001,"up":true,"floodUnknown":false,"maxEntries":0,"maxNeighbours":0,"maxAddresses":0}');
INSERT INTO object VALUES ('ba9ca92d-c175-6f43-6b05-1894bee938ee', 'vpcmux', 0, '{"mac":"18:94:be:e9:38:ee","owner":null,"mtuBytes":null,"listen":"192.0.2.1:4789","direct":"auto","exclusive":true,"underlay":"3f0dbff3-4393-23a5-9808-44f968414273","source":3}');
INSERT INTO object VALUES ('bb3ed65b-6e36-049e-5c06-b070a5379f5f', 'vmnic', 0, '{"mac":"b0:70:a5:37:9f:5f","owner":null,"mtuBytes":null,"queues":1,"ownerUser":null,"ownerGroup":0,"frozen":false}');
INSERT INTO object VALUES ('bd6b6a5a-c7e4-d40b-bf02-2e829a4bbdbd', 'vpcp', 1, '{"mac":"2e:82:9a:4b:bd:bd","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":50,"dhcpRate":100,"groups":[],"maxFlows":16384,"committed":true,"switch":"a881c6ec-da89-561d-f901-4c4517012c34","uplink":false,"peer":"bb3ed65b-6e36-049e-5c06-b070a5379f5f","source":1}');
INSERT INTO object VALUES ('fe30fc42-988f-5508-e40b-b8aa3621d1a4', 'hostif', 0, '{"mac":"b8:aa:36:21:d1:a4","owner":null,"mtuBytes":null}');
INSERT INTO entries VALUES (1, 'a881c6ec-da89-561d-f901-4c4517012c34', 'set', x'89130000020000000099000000000000000000000000ffff0a000009');
INSERT INTO entries VALUES (2, 'ba9ca92d-c175-6f43-6b05-1894bee938ee', 'set', x'89130000000000000000000004000000c000020200000000000000000000000089130000020000000001000004000000c0000202000000000000000000000000');
PRAGMA user_version = 6;
