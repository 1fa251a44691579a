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
INSERT INTO object VALUES ('45915eec-52ce-256f-ea01-124287a32f26', 'vpcsw', 0, '{"mac":"12:42:87:a3:2f:26","owner":null,"vni":5001,"up":true,"floodUnknown":false,"maxEntries":0,"maxNeighbours":0,"maxAddresses":0}');
INSERT INTO object VALUES ('4f705b6f-b311-5d29-650b-da06794a20fe', 'hostif', 0, '{"mac":"da:06:79:4a:20:fe","owner":null,"mtuBytes":null,"guest":null}');
INSERT INTO object VALUES ('59505a3b-6fca-bc99-6904-f2f23b71c8a1', 'vpcnat', 0, '{"mac":"f2:f2:3b:71:c8:a1","owner":null,"router":"ba803cd2-aed6-2774-0203-6a25e8b7531f","ethlink":"6ef043ea-6e16-e6f3-0a08-ea099ebb48ca","via":null,"prefix4":null,"prefix6":null,"gateway4":"203.0.113.1","gateway6":null,"pool":["203.0.113.16/28","2001:db8:7::/64"],"floats":["203.0.113.20 to 10.0.0.1","2001:db8:7::20 to fd00::1"],"shared":[],"source":3}');
INSERT INTO object VALUES ('64f926b6-4f90-361b-9a05-8a0130f7bc54', 'vpcmux', 0, '{"mac":"8a:01:30:f7:bc:54","owner":null,"mtuBytes":null,"listen":"192.0.2.1:4789","direct":"auto","exclusive":true,"underlay":"6ef043ea-6e16-e6f3-0a08-ea099ebb48ca","source":4}');
INSERT INTO object VALUES ('6bccd01e-e3d0-b1af-9606-b442550383a7', 'vmnic', 0, '{"mac":"b4:42:55:03:83:a7","owner":null,"mtuBytes":null,"queues":1,"ownerUser":null,"ownerGroup":0,"frozen":false}');
INSERT INTO object VALUES ('6ef043ea-6e16-e6f3-0a08-ea099ebb48ca', 'ethlink', 1, '{"mac":"ea:09:9e:bb:48:ca","owner":null,"vtag":0,"l2Name":"under0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1600}');
INSERT INTO object VALUES ('a03568e5-6688-fbd5-2a40-dc1196fe5f48', 'subnet', 0, '{"mac":"dc:11:96:fe:5f:48","owner":null,"vni":5001,"prefix4":"10.0.0.0/24","prefix6":"fd00::/64","gateway4":"10.0.0.254","gateway6":"fd00::ff","maxPacket":0,"routeTable":0,"dhcp":true,"leaseTime":86400,"dns":null,"domain":null,"ntp":null,"guestRoutes":null,"ra":true,"onLink":true,"autonomous":true,"managed":false,"otherConfig":false,"switch":"45915eec-52ce-256f-ea01-124287a32f26","router":"ba803cd2-aed6-2774-0203-6a25e8b7531f"}');
INSERT INTO object VALUES ('a817c418-e95a-f050-a502-5608f4620e4b', 'vpcp', 1, '{"mac":"56:08:f4:62:0e:4b","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":50,"dhcpRate":100,"groups":[],"maxFlows":16384,"committed":true,"switch":"45915eec-52ce-256f-ea01-124287a32f26","uplink":false,"peer":"6bccd01e-e3d0-b1af-9606-b442550383a7","source":1}');
INSERT INTO object VALUES ('b51a6169-d65e-48d2-1802-c08382c0207f', 'vpcp', 0, '{"mac":"c0:83:82:c0:20:7f","owner":null,"vni":5001,"vlan":0,"addresses":["10.0.0.1","fd00::1"],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"groups":["c73cb798-3b17-2d80-fd41-3c4765af90e8"],"maxFlows":16384,"committed":true,"switch":"45915eec-52ce-256f-ea01-124287a32f26","uplink":false,"peer":"4f705b6f-b311-5d29-650b-da06794a20fe","source":0}');
INSERT INTO object VALUES ('ba803cd2-aed6-2774-0203-6a25e8b7531f', 'vpcrtr', 0, '{"mac":"6a:25:e8:b7:53:1f","owner":null,"routes":["10.9.0.0/16 via 10.0.0.9","10.8.0.0/16 blackhole table 2"]}');
INSERT INTO object VALUES ('bc3f5e2c-97cb-145f-3242-845f1b3fde2a', 'set', 0, '{"mac":"84:5f:1b:3f:de:2a","owner":null,"name":null,"switch":"45915eec-52ce-256f-ea01-124287a32f26","networks":["192.0.2.0/24"]}');
INSERT INTO object VALUES ('c73cb798-3b17-2d80-fd41-3c4765af90e8', 'group', 0, '{"mac":"3c:47:65:af:90:e8","owner":null,"name":null,"switch":"45915eec-52ce-256f-ea01-124287a32f26","onRevoke":"end","tcpIdle":7200,"members":["10.0.0.7"],"rules":[{"id":"10","direction":"in","protocol":"tcp","ports":["22"],"peers":["bc3f5e2c-97cb-145f-3242-845f1b3fde2a"]}]}');
INSERT INTO object VALUES ('c87b743b-e6bf-8027-e402-bc9368e090da', 'vpcp', 2, '{"mac":"bc:93:68:e0:90:da","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"groups":[],"maxFlows":16384,"committed":true,"switch":"45915eec-52ce-256f-ea01-124287a32f26","uplink":true,"peer":"f601f3db-fd2f-c851-4e08-10271a3f52a8","source":2}');
INSERT INTO object VALUES ('f601f3db-fd2f-c851-4e08-10271a3f52a8', 'ethlink', 0, '{"mac":"10:27:1a:3f:52:a8","owner":null,"vtag":0,"l2Name":"wire0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1500}');
INSERT INTO entries VALUES (1, '45915eec-52ce-256f-ea01-124287a32f26', 'set', x'89130000020000000099000000000000000000000000ffff0a000009');
INSERT INTO entries VALUES (2, '64f926b6-4f90-361b-9a05-8a0130f7bc54', 'set', x'89130000000000000000000004000000c000020200000000000000000000000089130000020000000001000004000000c0000202000000000000000000000000');
PRAGMA user_version = 8;
