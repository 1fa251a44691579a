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
INSERT INTO object VALUES ('2e6001e8-64d0-b93c-ca02-64c73161af0f', 'vpcp', 2, '{"mac":"64:c7:31:61:af:0f","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"groups":[],"maxFlows":16384,"committed":true,"switch":"45ca53d3-6ed2-a014-ee01-9095d3f2db44","uplink":true,"peer":"dc4c664b-61aa-567a-8a08-e47c10e89d5a","source":2}');
INSERT INTO object VALUES ('2f007f46-db47-4d66-d803-d0a4956aa086', 'vpcrtr', 0, '{"mac":"d0:a4:95:6a:a0:86","owner":null,"routes":["10.9.0.0/16 via 10.0.0.9","10.8.0.0/16 blackhole table 2"]}');
INSERT INTO object VALUES ('3ce15f64-b5ff-18cf-0e05-6a2621c67ec0', 'vpcmux', 0, '{"mac":"6a:26:21:c6:7e:c0","owner":null,"mtuBytes":null,"listen":"192.0.2.1:4789","direct":"auto","exclusive":true,"underlay":"3eba4568-32ae-656a-f308-243ac7ed4959","source":4}');
INSERT INTO object VALUES ('3eba4568-32ae-656a-f308-243ac7ed4959', 'ethlink', 1, '{"mac":"24:3a:c7:ed:49:59","owner":null,"vtag":0,"l2Name":"under0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1600}');
INSERT INTO object VALUES ('45ca53d3-6ed2-a014-ee01-9095d3f2db44', 'vpcsw', 0, '{"mac":"90:95:d3:f2:db:44","owner":null,"vni":5001,"up":true,"floodUnknown":false,"maxEntries":0,"maxNeighbours":0,"maxAddresses":0}');
INSERT INTO object VALUES ('614fe534-9b75-cc36-a902-581291b79090', 'vpcp', 1, '{"mac":"58:12:91:b7:90:90","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":50,"dhcpRate":100,"groups":[],"maxFlows":16384,"committed":true,"switch":"45ca53d3-6ed2-a014-ee01-9095d3f2db44","uplink":false,"peer":"67dcfbd7-f0cb-0f51-d506-c020886685a2","source":1}');
INSERT INTO object VALUES ('67dcfbd7-f0cb-0f51-d506-c020886685a2', 'vmnic', 0, '{"mac":"c0:20:88:66:85:a2","owner":null,"mtuBytes":null,"queues":1,"ownerUser":null,"ownerGroup":0,"frozen":false}');
INSERT INTO object VALUES ('87cbba6c-8573-29e0-0d02-cc9701422ff0', 'vpcp', 0, '{"mac":"cc:97:01:42:2f:f0","owner":null,"vni":5001,"vlan":0,"addresses":["10.0.0.1","fd00::1"],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"groups":["9070eef7-b501-e41f-7841-e6f2ebe12898"],"maxFlows":16384,"committed":true,"switch":"45ca53d3-6ed2-a014-ee01-9095d3f2db44","uplink":false,"peer":"dbead3b5-8f6f-2d58-4e0b-76d6f800ed58","source":0}');
INSERT INTO object VALUES ('9070eef7-b501-e41f-7841-e6f2ebe12898', 'group', 0, '{"mac":"e6:f2:eb:e1:28:98","owner":null,"name":null,"switch":"45ca53d3-6ed2-a014-ee01-9095d3f2db44","onRevoke":"end","tcpIdle":7200,"members":["10.0.0.7"],"rules":[{"id":"10","direction":"in","protocol":"tcp","ports":["22"],"peers":["994673b5-1758-1403-2642-ca29ec1381d5"]}]}');
INSERT INTO object VALUES ('994673b5-1758-1403-2642-ca29ec1381d5', 'set', 0, '{"mac":"ca:29:ec:13:81:d5","owner":null,"name":null,"switch":"45ca53d3-6ed2-a014-ee01-9095d3f2db44","networks":["192.0.2.0/24"]}');
INSERT INTO object VALUES ('a48b8bd0-c870-32a9-4840-04188b699baf', 'subnet', 0, '{"mac":"04:18:8b:69:9b:af","owner":null,"vni":5001,"prefix4":"10.0.0.0/24","prefix6":"fd00::/64","gateway4":"10.0.0.254","gateway6":"fd00::ff","maxPacket":0,"routeTable":0,"dhcp":true,"leaseTime":86400,"dns":null,"domain":null,"ntp":null,"guestRoutes":null,"ra":true,"onLink":true,"autonomous":true,"managed":false,"otherConfig":false,"switch":"45ca53d3-6ed2-a014-ee01-9095d3f2db44","router":"2f007f46-db47-4d66-d803-d0a4956aa086"}');
INSERT INTO object VALUES ('dbead3b5-8f6f-2d58-4e0b-76d6f800ed58', 'hostif', 0, '{"mac":"76:d6:f8:00:ed:58","owner":null,"mtuBytes":null}');
INSERT INTO object VALUES ('dc4c664b-61aa-567a-8a08-e47c10e89d5a', 'ethlink', 0, '{"mac":"e4:7c:10:e8:9d:5a","owner":null,"vtag":0,"l2Name":"wire0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1500}');
INSERT INTO object VALUES ('faab2d42-ac45-8fde-fa04-aad2cf128e8b', 'vpcnat', 0, '{"mac":"aa:d2:cf:12:8e:8b","owner":null,"router":"2f007f46-db47-4d66-d803-d0a4956aa086","ethlink":"dc4c664b-61aa-567a-8a08-e47c10e89d5a","via":null,"prefix4":null,"prefix6":null,"gateway4":"203.0.113.1","gateway6":null,"pool":["203.0.113.16/28","2001:db8:7::/64"],"floats":["203.0.113.20 to 10.0.0.1","2001:db8:7::20 to fd00::1"],"shared":["203.0.113.22"],"source":3}');
INSERT INTO entries VALUES (1, '45ca53d3-6ed2-a014-ee01-9095d3f2db44', 'set', x'89130000020000000099000000000000000000000000ffff0a000009');
INSERT INTO entries VALUES (2, '3ce15f64-b5ff-18cf-0e05-6a2621c67ec0', 'set', x'89130000000000000000000004000000c000020200000000000000000000000089130000020000000001000004000000c0000202000000000000000000000000');
PRAGMA user_version = 7;
