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
INSERT INTO object VALUES ('022fd122-7712-1093-b005-0c6373d33d8e', 'vpcmux', 0, '{"mac":"0c:63:73:d3:3d:8e","owner":null,"name":null,"mtuBytes":null,"listen":"192.0.2.1:4789","direct":"auto","exclusive":true,"underlay":"fb0940bb-2838-658b-8208-b0dbf96f5786","source":4}');
INSERT INTO object VALUES ('1a3442eb-0a9e-2fe2-8903-700eea074069', 'vpcrtr', 0, '{"mac":"70:0e:ea:07:40:69","owner":null,"name":null,"routes":["10.9.0.0/16 via 10.0.0.9","10.8.0.0/16 blackhole table 2"]}');
INSERT INTO object VALUES ('254ade52-74bd-6d00-0642-9aefab9a3270', 'set', 0, '{"mac":"9a:ef:ab:9a:32:70","owner":null,"name":null,"switch":"2f13ee46-fea2-434e-6f01-c2292f8253b0","networks":["192.0.2.0/24"]}');
INSERT INTO object VALUES ('2f13ee46-fea2-434e-6f01-c2292f8253b0', 'vpcsw', 0, '{"mac":"c2:29:2f:82:53:b0","owner":null,"name":"red","vni":5001,"up":true,"floodUnknown":false,"maxEntries":0,"maxNeighbours":0,"maxAddresses":0}');
INSERT INTO object VALUES ('3d80bbdd-8ddd-e824-5202-fe1a73c36ad1', 'vpcp', 1, '{"mac":"fe:1a:73:c3:6a:d1","owner":null,"name":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"leaving":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":50,"dhcpRate":100,"groups":[],"maxFlows":16384,"stateful":true,"hostname":null,"sshKeys":null,"userData":null,"committed":true,"switch":"2f13ee46-fea2-434e-6f01-c2292f8253b0","uplink":false,"peer":"d138511a-7ae5-9e1e-6606-e076a8f53a0c","source":1}');
INSERT INTO object VALUES ('52b2c0ab-417f-af3e-0702-66ec2b717441', 'vpcp', 0, '{"mac":"66:ec:2b:71:74:41","owner":null,"name":null,"vni":5001,"vlan":0,"addresses":["10.0.0.1","fd00::1"],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"leaving":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"groups":["9c5827d1-8c4e-9860-5741-bc968260e344"],"maxFlows":16384,"stateful":true,"hostname":null,"sshKeys":null,"userData":null,"committed":true,"switch":"2f13ee46-fea2-434e-6f01-c2292f8253b0","uplink":false,"peer":"ff4d8114-dcc6-1f6d-ea0b-9a6c699abaec","source":0}');
INSERT INTO object VALUES ('964a021f-7943-1497-1402-70aecd58bf49', 'vpcp', 2, '{"mac":"70:ae:cd:58:bf:49","owner":null,"name":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"leaving":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"groups":[],"maxFlows":16384,"stateful":true,"hostname":null,"sshKeys":null,"userData":null,"committed":true,"switch":"2f13ee46-fea2-434e-6f01-c2292f8253b0","uplink":true,"peer":"d79f16fc-0da9-a2db-3508-3cc180998057","source":2}');
INSERT INTO object VALUES ('9c5827d1-8c4e-9860-5741-bc968260e344', 'group', 0, '{"mac":"bc:96:82:60:e3:44","owner":null,"name":null,"switch":"2f13ee46-fea2-434e-6f01-c2292f8253b0","onRevoke":"end","tcpIdle":7200,"members":["10.0.0.7"],"rules":[{"id":"10","direction":"in","protocol":"tcp","ports":["22"],"peers":["254ade52-74bd-6d00-0642-9aefab9a3270"]}]}');
INSERT INTO object VALUES ('d138511a-7ae5-9e1e-6606-e076a8f53a0c', 'vmnic', 0, '{"mac":"e0:76:a8:f5:3a:0c","owner":null,"name":null,"mtuBytes":null,"queues":1,"ownerUser":null,"ownerGroup":0,"frozen":false}');
INSERT INTO object VALUES ('d79f16fc-0da9-a2db-3508-3cc180998057', 'ethlink', 0, '{"mac":"3c:c1:80:99:80:57","owner":null,"name":null,"vtag":0,"l2Name":"wire0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1500}');
INSERT INTO object VALUES ('fb0940bb-2838-658b-8208-b0dbf96f5786', 'ethlink', 1, '{"mac":"b0:db:f9:6f:57:86","owner":null,"name":null,"vtag":0,"l2Name":"under0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1600}');
INSERT INTO object VALUES ('fbf7ae2d-2e8d-b96c-5c40-c0f630a59526', 'subnet', 0, '{"mac":"c0:f6:30:a5:95:26","owner":null,"name":null,"vni":5001,"prefix4":"10.0.0.0/24","prefix6":"fd00::/64","gateway4":"10.0.0.254","gateway6":"fd00::ff","maxPacket":0,"routeTable":0,"dhcp":true,"leaseTime":86400,"dns":null,"domain":null,"ntp":null,"guestRoutes":null,"ra":true,"onLink":true,"autonomous":true,"managed":false,"otherConfig":false,"metadata":false,"resolver":false,"dnsForward":null,"hosts":null,"switch":"2f13ee46-fea2-434e-6f01-c2292f8253b0","router":"1a3442eb-0a9e-2fe2-8903-700eea074069"}');
INSERT INTO object VALUES ('fd233b4f-f11f-0c54-4d04-5a12f9435257', 'vpcnat', 0, '{"mac":"5a:12:f9:43:52:57","owner":null,"name":null,"router":"1a3442eb-0a9e-2fe2-8903-700eea074069","ethlink":"fb0940bb-2838-658b-8208-b0dbf96f5786","via":null,"prefix4":null,"prefix6":null,"gateway4":"203.0.113.1","gateway6":null,"pool":["203.0.113.16/28","2001:db8:7::/64"],"floats":["203.0.113.20 to 10.0.0.1","2001:db8:7::20 to fd00::1"],"shared":[],"source":3}');
INSERT INTO object VALUES ('ff4d8114-dcc6-1f6d-ea0b-9a6c699abaec', 'hostif', 0, '{"mac":"9a:6c:69:9a:ba:ec","owner":null,"name":"web","mtuBytes":null,"guest":null}');
INSERT INTO entries VALUES (1, '2f13ee46-fea2-434e-6f01-c2292f8253b0', 'set', x'89130000020000000099000000000000000000000000ffff0a000009');
INSERT INTO entries VALUES (2, '022fd122-7712-1093-b005-0c6373d33d8e', 'set', x'89130000000000000000000004000000c000020200000000000000000000000089130000020000000001000004000000c0000202000000000000000000000000');
PRAGMA user_version = 9;
