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
INSERT INTO object VALUES ('18492fba-9ebf-7860-4602-6cb5b830fdb3', 'vpcp', 1, '{"mac":"6c:b5:b8:30:fd:b3","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":50,"dhcpRate":100,"groups":[],"maxFlows":16384,"committed":true,"switch":"99717792-00bd-0dbe-4301-ea381d71c120","uplink":false,"peer":"65d5b786-eb35-51c2-7406-fc0c29b7df22","source":1}');
INSERT INTO object VALUES ('1974dc7e-582d-b088-c905-bad7791f5096', 'vpcmux', 0, '{"mac":"ba:d7:79:1f:50:96","owner":null,"mtuBytes":null,"listen":"192.0.2.1:4789","direct":"auto","exclusive":true,"underlay":"bb4a4a9e-1de4-010a-ad08-3c91ae717ec9","source":3}');
INSERT INTO object VALUES ('1f3ea487-7b7f-1e30-6602-a6e9036fb704', 'vpcp', 0, '{"mac":"a6:e9:03:6f:b7:04","owner":null,"vni":5001,"vlan":0,"addresses":["10.0.0.1","fd00::1"],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"groups":["aa70286b-55cf-b1b7-2941-209532d2f044"],"maxFlows":16384,"committed":true,"switch":"99717792-00bd-0dbe-4301-ea381d71c120","uplink":false,"peer":"3b736190-7fea-93e7-7e0b-bebea3cb2735","source":0}');
INSERT INTO object VALUES ('252fbb3f-b89b-0c56-0702-16b695f059d3', 'vpcp', 2, '{"mac":"16:b6:95:f0:59:d3","owner":null,"vni":5001,"vlan":0,"addresses":[],"antispoof":true,"anyEthertype":false,"vrrp":false,"macs":[],"held":false,"broadcastRate":2000,"rateOut":0,"rateIn":0,"packetRateOut":0,"packetRateIn":0,"questionRate":100,"dhcpRate":100,"groups":[],"maxFlows":16384,"committed":true,"switch":"99717792-00bd-0dbe-4301-ea381d71c120","uplink":true,"peer":"2562deaa-38cc-51ba-c508-283a5939ad5e","source":2}');
INSERT INTO object VALUES ('2562deaa-38cc-51ba-c508-283a5939ad5e', 'ethlink', 0, '{"mac":"28:3a:59:39:ad:5e","owner":null,"vtag":0,"l2Name":"wire0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1500}');
INSERT INTO object VALUES ('3b736190-7fea-93e7-7e0b-bebea3cb2735', 'hostif', 0, '{"mac":"be:be:a3:cb:27:35","owner":null,"mtuBytes":null}');
INSERT INTO object VALUES ('641bad21-9cba-c0b2-af42-dce2dfe4a26f', 'set', 0, '{"mac":"dc:e2:df:e4:a2:6f","owner":null,"name":null,"switch":"99717792-00bd-0dbe-4301-ea381d71c120","networks":["192.0.2.0/24"]}');
INSERT INTO object VALUES ('65d5b786-eb35-51c2-7406-fc0c29b7df22', 'vmnic', 0, '{"mac":"fc:0c:29:b7:df:22","owner":null,"mtuBytes":null,"queues":1,"ownerUser":null,"ownerGroup":0,"frozen":false}');
INSERT INTO object VALUES ('99717792-00bd-0dbe-4301-ea381d71c120', 'vpcsw', 0, '{"mac":"ea:38:1d:71:c1:20","owner":null,"vni":5001,"up":true,"floodUnknown":false,"maxEntries":0,"maxNeighbours":0,"maxAddresses":0}');
INSERT INTO object VALUES ('aa70286b-55cf-b1b7-2941-209532d2f044', 'group', 0, '{"mac":"20:95:32:d2:f0:44","owner":null,"name":null,"switch":"99717792-00bd-0dbe-4301-ea381d71c120","onRevoke":"end","tcpIdle":7200,"members":["10.0.0.7"],"rules":[{"id":"10","direction":"in","protocol":"tcp","ports":["22"],"peers":["641bad21-9cba-c0b2-af42-dce2dfe4a26f"]}]}');
INSERT INTO object VALUES ('bb4a4a9e-1de4-010a-ad08-3c91ae717ec9', 'ethlink', 1, '{"mac":"3c:91:ae:71:7e:c9","owner":null,"vtag":0,"l2Name":"under0","mtuBytes":null,"promiscBefore":false,"deviceMtuBytes":1600}');
INSERT INTO object VALUES ('d8f6abd4-8e08-5509-1940-443eaa468a84', 'subnet', 0, '{"mac":"44:3e:aa:46:8a:84","owner":null,"vni":5001,"prefix4":"10.0.0.0/24","prefix6":"fd00::/64","gateway4":"10.0.0.254","gateway6":"fd00::ff","maxPacket":0,"routeTable":0,"dhcp":true,"leaseTime":86400,"dns":null,"domain":null,"ntp":null,"guestRoutes":null,"ra":true,"onLink":true,"autonomous":true,"managed":false,"otherConfig":false,"switch":"99717792-00bd-0dbe-4301-ea381d71c120","router":"f31f414d-a39e-4ca5-c403-5465d9db2f4d"}');
INSERT INTO object VALUES ('f31f414d-a39e-4ca5-c403-5465d9db2f4d', 'vpcrtr', 0, '{"mac":"54:65:d9:db:2f:4d","owner":null,"routes":["10.9.0.0/16 via 10.0.0.9","10.8.0.0/16 blackhole table 2"]}');
INSERT INTO entries VALUES (1, '99717792-00bd-0dbe-4301-ea381d71c120', 'set', x'89130000020000000099000000000000000000000000ffff0a000009');
INSERT INTO entries VALUES (2, '1974dc7e-582d-b088-c905-bad7791f5096', 'set', x'89130000000000000000000004000000c000020200000000000000000000000089130000020000000001000004000000c0000202000000000000000000000000');
PRAGMA user_version = 6;
