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
INSERT INTO object VALUES ('026bb89e-bf2b-c2f2-2505-6a576b8dceba', 'vpcmux', 0, '{"mac":"6a:57:6b:8d:ce:ba","owner":null,"mtuBytes":null,"listen":"192.0.2.1:4789","direct":"auto","exclusive":true,"underlay":"90691093-6422-e722-b408-3a6582832dd4","source":4}');
INSERT INTO object VALUES ('0e496de2-d925-a273-bd42-1e513c41baad', 'set', 0, '{"mac":"1e:51:3c:41:ba:ad","owner":null,"name":null,"switch":"3c970e0a-1082-a520-5001-2e248fee9d10","networks":["192.0.2.0/24"]}');
INSERT INTO object VALUES ('1de115d7-7b67-5c75-230b-62e45563aa57', 'hostif', 0, '{"mac":"62:e4:55:63:aa:57","owner":null,"mtuBytes":null,"guest":null}');
INSERT INTO object VALUES ('27df1305-a3f6-6890-c402-c2c0df6e3c77', 'vpcp', 2, '{"mac":"c2:c0:df:6e:3c:77","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"groups":[],"maxFlows":16384,"stateful":true,"committed":true,"switch":"3c970e0a-1082-a520-5001-2e248fee9d10","uplink":true,"peer":"ba3ab989-a07e-6460-5908-b83a2ddbcd01","source":2}');
INSERT INTO object VALUES ('34981d6b-fc03-1af4-3b04-c887180ba755', 'vpcnat', 0, '{"mac":"c8:87:18:0b:a7:55","owner":null,"router":"6d77c01b-8144-83e2-3803-34399ded8329","ethlink":"90691093-6422-e722-b408-3a6582832dd4","via":null,"prefix4":null,"prefix6":null,"gateway4":"203.0.113.1","gateway6":null,"pool":["203.0.113.16/28","2001:db8:7::/64"],"floats":["203.0.113.20 to 10.0.0.1","2001:db8:7::20 to fd00::1"],"shared":[],"source":3}');
INSERT INTO object VALUES ('3c970e0a-1082-a520-5001-2e248fee9d10', 'vpcsw', 0, '{"mac":"2e:24:8f:ee:9d:10","owner":null,"vni":5001,"up":true,"floodUnknown":false,"maxEntries":0,"maxNeighbours":0,"maxAddresses":0}');
INSERT INTO object VALUES ('4758ed9a-2db1-268b-7902-1656abcb3167', 'vpcp', 0, '{"mac":"16:56:ab:cb:31:67","owner":null,"vni":5001,"vlan":0,"addresses":["10.0.0.1","fd00::1"],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"groups":["74ed8c1b-867f-05e3-2441-584a79a0b166"],"maxFlows":16384,"stateful":true,"committed":true,"switch":"3c970e0a-1082-a520-5001-2e248fee9d10","uplink":false,"peer":"1de115d7-7b67-5c75-230b-62e45563aa57","source":0}');
INSERT INTO object VALUES ('4fdbd451-6a72-9804-1302-5a46664cc889', 'vpcp', 1, '{"mac":"5a:46:66:4c:c8:89","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":50,"dhcpRate":100,"groups":[],"maxFlows":16384,"stateful":true,"committed":true,"switch":"3c970e0a-1082-a520-5001-2e248fee9d10","uplink":false,"peer":"71975d4c-150c-7c4b-5e06-7ae74394085f","source":1}');
INSERT INTO object VALUES ('6d77c01b-8144-83e2-3803-34399ded8329', 'vpcrtr', 0, '{"mac":"34:39:9d:ed:83:29","owner":null,"routes":["10.9.0.0/16 via 10.0.0.9","10.8.0.0/16 blackhole table 2"]}');
INSERT INTO object VALUES ('71975d4c-150c-7c4b-5e06-7ae74394085f', 'vmnic', 0, '{"mac":"7a:e7:43:94:08:5f","owner":null,"mtuBytes":null,"queues":1,"ownerUser":null,"ownerGroup":0,"frozen":false}');
INSERT INTO object VALUES ('74ed8c1b-867f-05e3-2441-584a79a0b166', 'group', 0, '{"mac":"58:4a:79:a0:b1:66","owner":null,"name":null,"switch":"3c970e0a-1082-a520-5001-2e248fee9d10","onRevoke":"end","tcpIdle":7200,"members":["10.0.0.7"],"rules":[{"id":"10","direction":"in","protocol":"tcp","ports":["22"],"peers":["0e496de2-d925-a273-bd42-1e513c41baad"]}]}');
INSERT INTO object VALUES ('90691093-6422-e722-b408-3a6582832dd4', 'ethlink', 1, '{"mac":"3a:65:82:83:2d:d4","owner":null,"vtag":0,"l2Name":"under0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1600}');
INSERT INTO object VALUES ('af9230fe-eb67-6d47-5b40-58171be29ea8', 'subnet', 0, '{"mac":"58:17:1b:e2:9e:a8","owner":null,"vni":5001,"prefix4":"10.0.0.0/24","prefix6":"fd00::/64","gateway4":"10.0.0.254","gateway6":"fd00::ff","maxPacket":0,"routeTable":0,"dhcp":true,"leaseTime":86400,"dns":null,"domain":null,"ntp":null,"guestRoutes":null,"ra":true,"onLink":true,"autonomous":true,"managed":false,"otherConfig":false,"switch":"3c970e0a-1082-a520-5001-2e248fee9d10","router":"6d77c01b-8144-83e2-3803-34399ded8329"}');
INSERT INTO object VALUES ('ba3ab989-a07e-6460-5908-b83a2ddbcd01', 'ethlink', 0, '{"mac":"b8:3a:2d:db:cd:01","owner":null,"vtag":0,"l2Name":"wire0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1500}');
INSERT INTO entries VALUES (1, '3c970e0a-1082-a520-5001-2e248fee9d10', 'set', x'89130000020000000099000000000000000000000000ffff0a000009');
INSERT INTO entries VALUES (2, '026bb89e-bf2b-c2f2-2505-6a576b8dceba', 'set', x'89130000000000000000000004000000c000020200000000000000000000000089130000020000000001000004000000c0000202000000000000000000000000');
PRAGMA user_version = 8;
