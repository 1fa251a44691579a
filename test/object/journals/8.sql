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
INSERT INTO object VALUES ('0ecd06cd-66d3-6310-2908-9235ddac5c38', 'ethlink', 0, '{"mac":"92:35:dd:ac:5c:38","owner":null,"vtag":0,"l2Name":"wire0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1500}');
INSERT INTO object VALUES ('3441bf88-6939-aecb-1901-8828e8a70cce', 'vpcsw', 0, '{"mac":"88:28:e8:a7:0c:ce","owner":null,"vni":5001,"up":true,"floodUnknown":false,"maxEntries":0,"maxNeighbours":0,"maxAddresses":0}');
INSERT INTO object VALUES ('354d6c2a-8087-4a17-b705-f8aad05f7844', 'vpcmux', 0, '{"mac":"f8:aa:d0:5f:78:44","owner":null,"mtuBytes":null,"listen":"192.0.2.1:4789","direct":"auto","exclusive":true,"underlay":"4a8e373a-0677-6e94-7308-aa5a9ed9574d","source":4}');
INSERT INTO object VALUES ('4a8e373a-0677-6e94-7308-aa5a9ed9574d', 'ethlink', 1, '{"mac":"aa:5a:9e:d9:57:4d","owner":null,"vtag":0,"l2Name":"under0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1600}');
INSERT INTO object VALUES ('74474e62-b0a6-7493-ef06-f043469a8583', 'vmnic', 0, '{"mac":"f0:43:46:9a:85:83","owner":null,"mtuBytes":null,"queues":1,"ownerUser":null,"ownerGroup":0,"frozen":false}');
INSERT INTO object VALUES ('82b40f86-5d8e-078c-780b-063b6a374ad3', 'hostif', 0, '{"mac":"06:3b:6a:37:4a:d3","owner":null,"mtuBytes":null,"guest":null}');
INSERT INTO object VALUES ('a15dfea7-ad27-d4cd-d202-5c8d8a5b6f96', 'vpcp', 1, '{"mac":"5c:8d:8a:5b:6f:96","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"leaving":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":50,"dhcpRate":100,"groups":[],"maxFlows":16384,"stateful":true,"hostname":null,"sshKeys":null,"userData":null,"committed":true,"switch":"3441bf88-6939-aecb-1901-8828e8a70cce","uplink":false,"peer":"74474e62-b0a6-7493-ef06-f043469a8583","source":1}');
INSERT INTO object VALUES ('b74e8e37-4fde-23b5-de40-4c00744b2d02', 'subnet', 0, '{"mac":"4c:00:74:4b:2d:02","owner":null,"vni":5001,"prefix4":"10.0.0.0/24","prefix6":"fd00::/64","gateway4":"10.0.0.254","gateway6":"fd00::ff","maxPacket":0,"routeTable":0,"dhcp":true,"leaseTime":86400,"dns":null,"domain":null,"ntp":null,"guestRoutes":null,"ra":true,"onLink":true,"autonomous":true,"managed":false,"otherConfig":false,"metadata":false,"resolver":false,"dnsForward":null,"hosts":null,"switch":"3441bf88-6939-aecb-1901-8828e8a70cce","router":"da4de1e0-093f-5904-8703-9ed1fc92f3b2"}');
INSERT INTO object VALUES ('bef59717-306d-fe38-8402-a87f004f32cb', 'vpcp', 2, '{"mac":"a8:7f:00:4f:32:cb","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"leaving":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"groups":[],"maxFlows":16384,"stateful":true,"hostname":null,"sshKeys":null,"userData":null,"committed":true,"switch":"3441bf88-6939-aecb-1901-8828e8a70cce","uplink":true,"peer":"0ecd06cd-66d3-6310-2908-9235ddac5c38","source":2}');
INSERT INTO object VALUES ('cc915251-7cf9-d658-5e02-e8450564530b', 'vpcp', 0, '{"mac":"e8:45:05:64:53:0b","owner":null,"vni":5001,"vlan":0,"addresses":["10.0.0.1","fd00::1"],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"leaving":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"groups":["fa656db3-b0fa-e682-8341-525ab8920208"],"maxFlows":16384,"stateful":true,"hostname":null,"sshKeys":null,"userData":null,"committed":true,"switch":"3441bf88-6939-aecb-1901-8828e8a70cce","uplink":false,"peer":"82b40f86-5d8e-078c-780b-063b6a374ad3","source":0}');
INSERT INTO object VALUES ('da4de1e0-093f-5904-8703-9ed1fc92f3b2', 'vpcrtr', 0, '{"mac":"9e:d1:fc:92:f3:b2","owner":null,"routes":["10.9.0.0/16 via 10.0.0.9","10.8.0.0/16 blackhole table 2"]}');
INSERT INTO object VALUES ('e28691e2-c65b-667c-7604-d09a1a6eef11', 'vpcnat', 0, '{"mac":"d0:9a:1a:6e:ef:11","owner":null,"router":"da4de1e0-093f-5904-8703-9ed1fc92f3b2","ethlink":"4a8e373a-0677-6e94-7308-aa5a9ed9574d","via":null,"prefix4":null,"prefix6":null,"gateway4":"203.0.113.1","gateway6":null,"pool":["203.0.113.16/28","2001:db8:7::/64"],"floats":["203.0.113.20 to 10.0.0.1","2001:db8:7::20 to fd00::1"],"shared":[],"source":3}');
INSERT INTO object VALUES ('f3f677ab-aacf-4f2d-6f42-4ea587083d12', 'set', 0, '{"mac":"4e:a5:87:08:3d:12","owner":null,"name":null,"switch":"3441bf88-6939-aecb-1901-8828e8a70cce","networks":["192.0.2.0/24"]}');
INSERT INTO object VALUES ('fa656db3-b0fa-e682-8341-525ab8920208', 'group', 0, '{"mac":"52:5a:b8:92:02:08","owner":null,"name":null,"switch":"3441bf88-6939-aecb-1901-8828e8a70cce","onRevoke":"end","tcpIdle":7200,"members":["10.0.0.7"],"rules":[{"id":"10","direction":"in","protocol":"tcp","ports":["22"],"peers":["f3f677ab-aacf-4f2d-6f42-4ea587083d12"]}]}');
INSERT INTO entries VALUES (1, '3441bf88-6939-aecb-1901-8828e8a70cce', 'set', x'89130000020000000099000000000000000000000000ffff0a000009');
INSERT INTO entries VALUES (2, '354d6c2a-8087-4a17-b705-f8aad05f7844', 'set', x'89130000000000000000000004000000c000020200000000000000000000000089130000020000000001000004000000c0000202000000000000000000000000');
PRAGMA user_version = 8;
