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
INSERT INTO object VALUES ('0353aa89-25d9-1543-4708-9e96d953d18c', 'ethlink', 0, '{"mac":"9e:96:d9:53:d1:8c","owner":null,"name":null,"vtag":0,"l2Name":"wire0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1500}');
INSERT INTO object VALUES ('0578a3c9-c71f-f2ba-3e0b-e018995f2e4d', 'hostif', 0, '{"mac":"e0:18:99:5f:2e:4d","owner":null,"name":"web","mtuBytes":null,"guest":null}');
INSERT INTO object VALUES ('0f100d76-011c-94af-5008-82ce049fbd18', 'ethlink', 1, '{"mac":"82:ce:04:9f:bd:18","owner":null,"name":null,"vtag":0,"l2Name":"under0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1600}');
INSERT INTO object VALUES ('264507b7-7c29-4e45-3a02-0c6d29dece15', 'vpcp', 0, '{"mac":"0c:6d:29:de:ce:15","owner":null,"name":null,"vni":5001,"vlan":0,"addresses":["10.0.0.1","fd00::1"],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"leaving":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"groups":["e0abf096-0cc6-c1f2-a741-de5b6994cc1f"],"maxFlows":16384,"stateful":true,"hostname":null,"sshKeys":null,"userData":null,"committed":true,"switch":"a630c0c8-a4ae-3f68-0901-7080a4e9eff4","uplink":false,"peer":"0578a3c9-c71f-f2ba-3e0b-e018995f2e4d","source":0}');
INSERT INTO object VALUES ('2bf3bf93-b091-83e7-e740-52b9c8e626be', 'subnet', 0, '{"mac":"52:b9:c8:e6:26:be","owner":null,"name":null,"vni":5001,"prefix4":"10.0.0.0/24","prefix6":"fd00::/64","gateway4":"10.0.0.254","gateway6":"fd00::ff","maxPacket":0,"routeTable":0,"dhcp":true,"leaseTime":86400,"dns":null,"domain":null,"ntp":null,"guestRoutes":null,"ra":true,"onLink":true,"autonomous":true,"managed":false,"otherConfig":false,"metadata":false,"resolver":false,"dnsForward":null,"hosts":null,"switch":"a630c0c8-a4ae-3f68-0901-7080a4e9eff4","router":"3491dd6a-15c0-57df-3903-d0fe3ebcba16"}');
INSERT INTO object VALUES ('3491dd6a-15c0-57df-3903-d0fe3ebcba16', 'vpcrtr', 0, '{"mac":"d0:fe:3e:bc:ba:16","owner":null,"name":null,"routes":["10.9.0.0/16 via 10.0.0.9","10.8.0.0/16 blackhole table 2"]}');
INSERT INTO object VALUES ('3b0c0261-d23a-3352-1c05-0cb3eef31e73', 'vpcmux', 0, '{"mac":"0c:b3:ee:f3:1e:73","owner":null,"name":null,"mtuBytes":null,"listen":"192.0.2.1:4789","direct":"auto","exclusive":true,"farVteps":[],"underlay":"0f100d76-011c-94af-5008-82ce049fbd18","source":4}');
INSERT INTO object VALUES ('5219559b-c199-7c7b-5404-eecb5fc0a3e1', 'vpcnat', 0, '{"mac":"ee:cb:5f:c0:a3:e1","owner":null,"name":null,"router":"3491dd6a-15c0-57df-3903-d0fe3ebcba16","ethlink":"0f100d76-011c-94af-5008-82ce049fbd18","via":null,"prefix4":null,"prefix6":null,"gateway4":"203.0.113.1","gateway6":null,"pool":["203.0.113.16/28","2001:db8:7::/64"],"floats":["203.0.113.20 to 10.0.0.1","2001:db8:7::20 to fd00::1"],"shared":[],"source":3}');
INSERT INTO object VALUES ('8f2d7075-e9b2-cc49-ab42-96df6f1f55cc', 'set', 0, '{"mac":"96:df:6f:1f:55:cc","owner":null,"name":null,"switch":"a630c0c8-a4ae-3f68-0901-7080a4e9eff4","networks":["192.0.2.0/24"]}');
INSERT INTO object VALUES ('a630c0c8-a4ae-3f68-0901-7080a4e9eff4', 'vpcsw', 0, '{"mac":"70:80:a4:e9:ef:f4","owner":null,"name":"red","vni":5001,"up":true,"floodUnknown":false,"maxEntries":0,"maxNeighbours":0,"maxAddresses":0}');
INSERT INTO object VALUES ('aec6cd69-f454-e30f-9a02-06d6e369a008', 'vpcp', 2, '{"mac":"06:d6:e3:69:a0:08","owner":null,"name":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"leaving":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"groups":[],"maxFlows":16384,"stateful":true,"hostname":null,"sshKeys":null,"userData":null,"committed":true,"switch":"a630c0c8-a4ae-3f68-0901-7080a4e9eff4","uplink":true,"peer":"0353aa89-25d9-1543-4708-9e96d953d18c","source":2}');
INSERT INTO object VALUES ('de515ee7-2b68-2543-f302-5894487f0056', 'vpcp', 1, '{"mac":"58:94:48:7f:00:56","owner":null,"name":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"leaving":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":50,"dhcpRate":100,"groups":[],"maxFlows":16384,"stateful":true,"hostname":null,"sshKeys":null,"userData":null,"committed":true,"switch":"a630c0c8-a4ae-3f68-0901-7080a4e9eff4","uplink":false,"peer":"e2b39221-5a25-7f57-1106-1e170014f034","source":1}');
INSERT INTO object VALUES ('e0abf096-0cc6-c1f2-a741-de5b6994cc1f', 'group', 0, '{"mac":"de:5b:69:94:cc:1f","owner":null,"name":null,"switch":"a630c0c8-a4ae-3f68-0901-7080a4e9eff4","onRevoke":"end","tcpIdle":7200,"members":["10.0.0.7"],"rules":[{"id":"10","direction":"in","protocol":"tcp","ports":["22"],"peers":["8f2d7075-e9b2-cc49-ab42-96df6f1f55cc"]}]}');
INSERT INTO object VALUES ('e2b39221-5a25-7f57-1106-1e170014f034', 'vmnic', 0, '{"mac":"1e:17:00:14:f0:34","owner":null,"name":null,"mtuBytes":null,"queues":1,"ownerUser":null,"ownerGroup":0,"frozen":false}');
INSERT INTO entries VALUES (1, 'a630c0c8-a4ae-3f68-0901-7080a4e9eff4', 'set', x'89130000020000000099000000000000000000000000ffff0a000009');
INSERT INTO entries VALUES (2, '3b0c0261-d23a-3352-1c05-0cb3eef31e73', 'set', x'89130000000000000000000004000000c000020200000000000000000000000089130000020000000001000004000000c0000202000000000000000000000000');
PRAGMA user_version = 10;
