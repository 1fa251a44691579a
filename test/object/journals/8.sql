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
INSERT INTO object VALUES ('00d048cf-8f60-9991-2708-083125aa33f7', 'ethlink', 0, '{"mac":"08:31:25:aa:33:f7","owner":null,"vtag":0,"l2Name":"wire0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1500}');
INSERT INTO object VALUES ('1512361b-c428-4ffb-c042-8e13d6aca06b', 'set', 0, '{"mac":"8e:13:d6:ac:a0:6b","owner":null,"name":null,"switch":"72b4e4c1-fd0d-ddaf-2301-4a5bd2670843","networks":["192.0.2.0/24"]}');
INSERT INTO object VALUES ('56179a58-2bda-5d12-d305-40f096eff2aa', 'vpcmux', 0, '{"mac":"40:f0:96:ef:f2:aa","owner":null,"mtuBytes":null,"listen":"192.0.2.1:4789","direct":"auto","exclusive":true,"underlay":"8277e089-265a-114f-ae08-b67acbdc3610","source":4}');
INSERT INTO object VALUES ('5b2f91a4-9a69-116a-160b-34e5e8d96fb4', 'hostif', 0, '{"mac":"34:e5:e8:d9:6f:b4","owner":null,"mtuBytes":null,"guest":null}');
INSERT INTO object VALUES ('5d221b23-3111-b046-2302-a47ac9bbd977', 'vpcp', 0, '{"mac":"a4:7a:c9:bb:d9:77","owner":null,"vni":5001,"vlan":0,"addresses":["10.0.0.1","fd00::1"],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"groups":["6860927e-6e27-f599-0641-6274fe5a66d9"],"maxFlows":16384,"stateful":true,"hostname":null,"sshKeys":null,"userData":null,"committed":true,"switch":"72b4e4c1-fd0d-ddaf-2301-4a5bd2670843","uplink":false,"peer":"5b2f91a4-9a69-116a-160b-34e5e8d96fb4","source":0}');
INSERT INTO object VALUES ('6860927e-6e27-f599-0641-6274fe5a66d9', 'group', 0, '{"mac":"62:74:fe:5a:66:d9","owner":null,"name":null,"switch":"72b4e4c1-fd0d-ddaf-2301-4a5bd2670843","onRevoke":"end","tcpIdle":7200,"members":["10.0.0.7"],"rules":[{"id":"10","direction":"in","protocol":"tcp","ports":["22"],"peers":["1512361b-c428-4ffb-c042-8e13d6aca06b"]}]}');
INSERT INTO object VALUES ('71fd1bf0-5c5a-4c18-6902-4428bb22d733', 'vpcp', 2, '{"mac":"44:28:bb:22:d7:33","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"groups":[],"maxFlows":16384,"stateful":true,"hostname":null,"sshKeys":null,"userData":null,"committed":true,"switch":"72b4e4c1-fd0d-ddaf-2301-4a5bd2670843","uplink":true,"peer":"00d048cf-8f60-9991-2708-083125aa33f7","source":2}');
INSERT INTO object VALUES ('72b4e4c1-fd0d-ddaf-2301-4a5bd2670843', 'vpcsw', 0, '{"mac":"4a:5b:d2:67:08:43","owner":null,"vni":5001,"up":true,"floodUnknown":false,"maxEntries":0,"maxNeighbours":0,"maxAddresses":0}');
INSERT INTO object VALUES ('769daa31-addb-6da9-8804-10a6137d275e', 'vpcnat', 0, '{"mac":"10:a6:13:7d:27:5e","owner":null,"router":"cd4c3253-962f-c22a-4403-70bc2d35660b","ethlink":"8277e089-265a-114f-ae08-b67acbdc3610","via":null,"prefix4":null,"prefix6":null,"gateway4":"203.0.113.1","gateway6":null,"pool":["203.0.113.16/28","2001:db8:7::/64"],"floats":["203.0.113.20 to 10.0.0.1","2001:db8:7::20 to fd00::1"],"shared":[],"source":3}');
INSERT INTO object VALUES ('8277e089-265a-114f-ae08-b67acbdc3610', 'ethlink', 1, '{"mac":"b6:7a:cb:dc:36:10","owner":null,"vtag":0,"l2Name":"under0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1600}');
INSERT INTO object VALUES ('9d4bd6ce-6e2c-1aea-7840-7e0ef7fb5669', 'subnet', 0, '{"mac":"7e:0e:f7:fb:56:69","owner":null,"vni":5001,"prefix4":"10.0.0.0/24","prefix6":"fd00::/64","gateway4":"10.0.0.254","gateway6":"fd00::ff","maxPacket":0,"routeTable":0,"dhcp":true,"leaseTime":86400,"dns":null,"domain":null,"ntp":null,"guestRoutes":null,"ra":true,"onLink":true,"autonomous":true,"managed":false,"otherConfig":false,"metadata":false,"resolver":false,"dnsForward":null,"switch":"72b4e4c1-fd0d-ddaf-2301-4a5bd2670843","router":"cd4c3253-962f-c22a-4403-70bc2d35660b"}');
INSERT INTO object VALUES ('cd4c3253-962f-c22a-4403-70bc2d35660b', 'vpcrtr', 0, '{"mac":"70:bc:2d:35:66:0b","owner":null,"routes":["10.9.0.0/16 via 10.0.0.9","10.8.0.0/16 blackhole table 2"]}');
INSERT INTO object VALUES ('cfb14e16-a3bb-bbaa-7602-28d1eef7fafb', 'vpcp', 1, '{"mac":"28:d1:ee:f7:fa:fb","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":50,"dhcpRate":100,"groups":[],"maxFlows":16384,"stateful":true,"hostname":null,"sshKeys":null,"userData":null,"committed":true,"switch":"72b4e4c1-fd0d-ddaf-2301-4a5bd2670843","uplink":false,"peer":"d74c8ebe-caf5-6d6d-bc06-b601547d8ff2","source":1}');
INSERT INTO object VALUES ('d74c8ebe-caf5-6d6d-bc06-b601547d8ff2', 'vmnic', 0, '{"mac":"b6:01:54:7d:8f:f2","owner":null,"mtuBytes":null,"queues":1,"ownerUser":null,"ownerGroup":0,"frozen":false}');
INSERT INTO entries VALUES (1, '72b4e4c1-fd0d-ddaf-2301-4a5bd2670843', 'set', x'89130000020000000099000000000000000000000000ffff0a000009');
INSERT INTO entries VALUES (2, '56179a58-2bda-5d12-d305-40f096eff2aa', 'set', x'89130000000000000000000004000000c000020200000000000000000000000089130000020000000001000004000000c0000202000000000000000000000000');
PRAGMA user_version = 8;
