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
INSERT INTO object VALUES ('007f02dc-8a2e-b0ad-1c08-aa718595169d', 'ethlink', 0, '{"mac":"aa:71:85:95:16:9d","owner":null,"name":null,"vtag":0,"l2Name":"wire0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1500}');
INSERT INTO object VALUES ('0c9a734d-6183-080e-0f01-5e2ae209acd6', 'vpcsw', 0, '{"mac":"5e:2a:e2:09:ac:d6","owner":null,"name":"red","vni":5001,"up":true,"floodUnknown":false,"maxEntries":0,"maxNeighbours":0,"maxAddresses":0}');
INSERT INTO object VALUES ('3842afea-3088-8fa6-fb42-ac2304f74e4e', 'set', 0, '{"mac":"ac:23:04:f7:4e:4e","owner":null,"name":null,"switch":"0c9a734d-6183-080e-0f01-5e2ae209acd6","networks":["192.0.2.0/24"]}');
INSERT INTO object VALUES ('4e9cb560-6549-dcb6-5405-ea08aed642e6', 'vpcmux', 0, '{"mac":"ea:08:ae:d6:42:e6","owner":null,"name":null,"mtuBytes":null,"listen":"192.0.2.1:4789","direct":"auto","exclusive":true,"farVteps":[],"underlay":"af5fb628-966d-8c6d-6a08-c0061e9ccdbc","source":4}');
INSERT INTO object VALUES ('5d25d9b1-49ad-6273-ed0b-58a20c937b49', 'hostif', 0, '{"mac":"58:a2:0c:93:7b:49","owner":null,"name":"web","mtuBytes":null,"guest":null}');
INSERT INTO object VALUES ('62cf33b6-0085-7263-2040-6cfd67db4c11', 'subnet', 0, '{"mac":"6c:fd:67:db:4c:11","owner":null,"name":null,"vni":5001,"prefix4":"10.0.0.0/24","prefix6":"fd00::/64","gateway4":"10.0.0.254","gateway6":"fd00::ff","maxPacket":0,"routeTable":0,"dhcp":true,"leaseTime":86400,"dns":null,"domain":null,"ntp":null,"guestRoutes":null,"ra":true,"onLink":true,"autonomous":true,"managed":false,"otherConfig":false,"metadata":false,"resolver":false,"dnsForward":null,"hosts":null,"switch":"0c9a734d-6183-080e-0f01-5e2ae209acd6","router":"f99867c5-f89b-4a66-2503-f01354f9775c"}');
INSERT INTO object VALUES ('8767fddb-f392-4ac1-5802-eeaab45cc72e', 'vpcp', 1, '{"mac":"ee:aa:b4:5c:c7:2e","owner":null,"name":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"leaving":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":50,"dhcpRate":100,"groups":[],"maxFlows":16384,"stateful":true,"hostname":null,"sshKeys":null,"userData":null,"committed":true,"switch":"0c9a734d-6183-080e-0f01-5e2ae209acd6","uplink":false,"peer":"e915037c-b8b5-ca51-3806-9aa52fbb9153","source":1}');
INSERT INTO object VALUES ('af469982-e7e9-103f-a504-d610942af6ac', 'vpcnat', 0, '{"mac":"d6:10:94:2a:f6:ac","owner":null,"name":null,"router":"f99867c5-f89b-4a66-2503-f01354f9775c","ethlink":"af5fb628-966d-8c6d-6a08-c0061e9ccdbc","via":null,"prefix4":null,"prefix6":null,"gateway4":"203.0.113.1","gateway6":null,"pool":["203.0.113.16/28","2001:db8:7::/64"],"floats":["203.0.113.20 to 10.0.0.1","2001:db8:7::20 to fd00::1"],"shared":[],"kept":[],"source":3}');
INSERT INTO object VALUES ('af5fb628-966d-8c6d-6a08-c0061e9ccdbc', 'ethlink', 1, '{"mac":"c0:06:1e:9c:cd:bc","owner":null,"name":null,"vtag":0,"l2Name":"under0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1600}');
INSERT INTO object VALUES ('c5653664-df52-ece9-6f02-2cf2806e361b', 'vpcp', 0, '{"mac":"2c:f2:80:6e:36:1b","owner":null,"name":null,"vni":5001,"vlan":0,"addresses":["10.0.0.1","fd00::1"],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"leaving":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"groups":["cff61d43-2553-b6ed-d241-e8a7afd17caa"],"maxFlows":16384,"stateful":true,"hostname":null,"sshKeys":null,"userData":null,"committed":true,"switch":"0c9a734d-6183-080e-0f01-5e2ae209acd6","uplink":false,"peer":"5d25d9b1-49ad-6273-ed0b-58a20c937b49","source":0}');
INSERT INTO object VALUES ('cff61d43-2553-b6ed-d241-e8a7afd17caa', 'group', 0, '{"mac":"e8:a7:af:d1:7c:aa","owner":null,"name":null,"switch":"0c9a734d-6183-080e-0f01-5e2ae209acd6","onRevoke":"end","tcpIdle":7200,"members":["10.0.0.7"],"rules":[{"id":"10","direction":"in","protocol":"tcp","ports":["22"],"peers":["3842afea-3088-8fa6-fb42-ac2304f74e4e"]}]}');
INSERT INTO object VALUES ('e1117ec3-ace7-5f35-8302-5856ed60fcb8', 'vpcp', 2, '{"mac":"58:56:ed:60:fc:b8","owner":null,"name":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"leaving":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"groups":[],"maxFlows":16384,"stateful":true,"hostname":null,"sshKeys":null,"userData":null,"committed":true,"switch":"0c9a734d-6183-080e-0f01-5e2ae209acd6","uplink":true,"peer":"007f02dc-8a2e-b0ad-1c08-aa718595169d","source":2}');
INSERT INTO object VALUES ('e915037c-b8b5-ca51-3806-9aa52fbb9153', 'vmnic', 0, '{"mac":"9a:a5:2f:bb:91:53","owner":null,"name":null,"mtuBytes":null,"queues":1,"ownerUser":null,"ownerGroup":0,"frozen":false}');
INSERT INTO object VALUES ('f99867c5-f89b-4a66-2503-f01354f9775c', 'vpcrtr', 0, '{"mac":"f0:13:54:f9:77:5c","owner":null,"name":null,"routes":["10.9.0.0/16 via 10.0.0.9","10.8.0.0/16 blackhole table 2"]}');
INSERT INTO entries VALUES (1, '0c9a734d-6183-080e-0f01-5e2ae209acd6', 'set', x'89130000020000000099000000000000000000000000ffff0a000009');
INSERT INTO entries VALUES (2, '4e9cb560-6549-dcb6-5405-ea08aed642e6', 'set', x'89130000000000000000000004000000c000020200000000000000000000000089130000020000000001000004000000c0000202000000000000000000000000');
PRAGMA user_version = 10;
