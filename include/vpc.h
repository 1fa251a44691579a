/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vpc_open(2) and vpc_ctl(2), for programs under `vpc exec` (docs/system-calls.md). The inputs and outputs of the
 * commands are in docs/operations.md. Made from the tables of src/abi: npm run docs.
 */
#ifndef VPC_H
#define VPC_H

#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#ifndef __cplusplus
/* unistd.h has it in GNU's modes of C alone. */
extern long syscall(long number, ...);
#endif

#define VPC_SYS_OPEN 580
#define VPC_SYS_CTL 581

/* Flags of vpc_open. */
#define VPC_CREATE 0x001
#define VPC_OPEN 0x002
#define VPC_READ 0x004
#define VPC_WRITE 0x008
#define VPC_SESSION 0x100

/* Types of objects, in byte 9 of an id. */
#define VPC_TYPE_VPCSW 0x01
#define VPC_TYPE_VPCP 0x02
#define VPC_TYPE_VPCRTR 0x03
#define VPC_TYPE_VPCNAT 0x04
#define VPC_TYPE_VPCMUX 0x05
#define VPC_TYPE_VMNIC 0x06
#define VPC_TYPE_MGMT 0x07
#define VPC_TYPE_ETHLINK 0x08
#define VPC_TYPE_META 0x09
#define VPC_TYPE_ANY 0x0a
#define VPC_TYPE_HOSTIF 0x0b
#define VPC_TYPE_SUBNET 0x40
#define VPC_TYPE_GROUP 0x41
#define VPC_TYPE_SET 0x42

/* The handle type of vpc_open. */
#define VPC_HANDLE_TYPE(type) ((UINT64_C(1) << 60) | ((uint64_t)(type) << 48))

/* Open or create the object of an id. Returns a file descriptor, or -1 and errno. */
static inline int vpc_open(const uint8_t id[16], uint64_t handle_type, uint64_t flags)
{
	return (int)syscall(VPC_SYS_OPEN, id, handle_type, flags);
}

/* One operation on an object. Returns 0, or -1 and errno. */
static inline int vpc_ctl(int fd, uint32_t command, size_t inlen, const void *in, size_t *outlen, void *out)
{
	return (int)syscall(VPC_SYS_CTL, fd, command, inlen, in, outlen, out);
}

/* The commands of vpc_ctl. */
#define VPC_VPCSW_VNI_GET 0x40010100u /* vpcsw: default VNI get */
#define VPC_VPCSW_VNI_SET 0xb0010101u /* vpcsw: default VNI set */
#define VPC_VPCSW_UP_GET 0x40010005u /* vpcsw: state get */
#define VPC_VPCSW_UP_SET 0xb0010006u /* vpcsw: state set */
#define VPC_VPCSW_FLOOD_UNKNOWN_GET 0x40010105u /* vpcsw: flood unknown get */
#define VPC_VPCSW_FLOOD_UNKNOWN_SET 0xb0010106u /* vpcsw: flood unknown set */
#define VPC_VPCSW_MAX_ENTRIES_GET 0x40010120u /* vpcsw: entries quota get */
#define VPC_VPCSW_MAX_ENTRIES_SET 0xb0010121u /* vpcsw: entries quota set */
#define VPC_VPCSW_MAX_NEIGHBOURS_GET 0x40010122u /* vpcsw: neighbours quota get */
#define VPC_VPCSW_MAX_NEIGHBOURS_SET 0xb0010123u /* vpcsw: neighbours quota set */
#define VPC_VPCSW_MAX_ADDRESSES_GET 0x40010124u /* vpcsw: addresses quota get */
#define VPC_VPCSW_MAX_ADDRESSES_SET 0xb0010125u /* vpcsw: addresses quota set */
#define VPC_VPCP_VNI_GET 0x40020003u /* vpcp: VNI get */
#define VPC_VPCP_VNI_SET 0xb0020004u /* vpcp: VNI set */
#define VPC_VPCP_VLAN_GET 0x40020005u /* vpcp: VLAN get */
#define VPC_VPCP_VLAN_SET 0xb0020006u /* vpcp: VLAN set */
#define VPC_VPCP_ADDRESSES_GET 0x40020100u /* vpcp: addresses get */
#define VPC_VPCP_ADDRESSES_SET 0xb0020101u /* vpcp: addresses set */
#define VPC_VPCP_ANTISPOOF_GET 0x40020102u /* vpcp: antispoof get */
#define VPC_VPCP_ANTISPOOF_SET 0xb0020103u /* vpcp: antispoof set */
#define VPC_VPCP_ANY_ETHERTYPE_GET 0x40020110u /* vpcp: any EtherType get */
#define VPC_VPCP_ANY_ETHERTYPE_SET 0xb0020111u /* vpcp: any EtherType set */
#define VPC_VPCP_VRRP_GET 0x40020112u /* vpcp: VRRP get */
#define VPC_VPCP_VRRP_SET 0xb0020113u /* vpcp: VRRP set */
#define VPC_VPCP_MACS_GET 0x40020114u /* vpcp: further MACs get */
#define VPC_VPCP_MACS_SET 0xb0020115u /* vpcp: further MACs set */
#define VPC_VPCP_HELD_GET 0x40020120u /* vpcp: held get */
#define VPC_VPCP_HELD_SET 0xb0020121u /* vpcp: held set */
#define VPC_VPCP_LEAVING_GET 0x40020130u /* vpcp: leaving get */
#define VPC_VPCP_LEAVING_SET 0xb0020131u /* vpcp: leaving set */
#define VPC_VPCP_BROADCAST_RATE_GET 0x40020122u /* vpcp: broadcast rate get */
#define VPC_VPCP_BROADCAST_RATE_SET 0xb0020123u /* vpcp: broadcast rate set */
#define VPC_VPCP_RATE_OUT_GET 0x40020124u /* vpcp: rate out get */
#define VPC_VPCP_RATE_OUT_SET 0xb0020125u /* vpcp: rate out set */
#define VPC_VPCP_RATE_IN_GET 0x40020126u /* vpcp: rate in get */
#define VPC_VPCP_RATE_IN_SET 0xb0020127u /* vpcp: rate in set */
#define VPC_VPCP_PACKET_RATE_OUT_GET 0x40020128u /* vpcp: packet rate out get */
#define VPC_VPCP_PACKET_RATE_OUT_SET 0xb0020129u /* vpcp: packet rate out set */
#define VPC_VPCP_PACKET_RATE_IN_GET 0x4002012au /* vpcp: packet rate in get */
#define VPC_VPCP_PACKET_RATE_IN_SET 0xb002012bu /* vpcp: packet rate in set */
#define VPC_VPCP_QUESTION_RATE_GET 0x4002012cu /* vpcp: question rate get */
#define VPC_VPCP_QUESTION_RATE_SET 0xb002012du /* vpcp: question rate set */
#define VPC_VPCP_DHCP_RATE_GET 0x4002012eu /* vpcp: DHCP rate get */
#define VPC_VPCP_DHCP_RATE_SET 0xb002012fu /* vpcp: DHCP rate set */
#define VPC_VPCP_GROUPS_GET 0x40020140u /* vpcp: groups get */
#define VPC_VPCP_GROUPS_SET 0xb0020141u /* vpcp: groups set */
#define VPC_VPCP_MAX_FLOWS_GET 0x40020142u /* vpcp: flow quota get */
#define VPC_VPCP_MAX_FLOWS_SET 0xb0020143u /* vpcp: flow quota set */
#define VPC_VPCP_STATEFUL_GET 0x40020144u /* vpcp: flow tracking get */
#define VPC_VPCP_STATEFUL_SET 0xb0020145u /* vpcp: flow tracking set */
#define VPC_VPCP_HOSTNAME_GET 0x40020170u /* vpcp: host name get */
#define VPC_VPCP_HOSTNAME_SET 0xb0020171u /* vpcp: host name set */
#define VPC_VPCP_SSH_KEYS_GET 0x40020172u /* vpcp: SSH keys get */
#define VPC_VPCP_SSH_KEYS_SET 0xb0020173u /* vpcp: SSH keys set */
#define VPC_VPCP_USER_DATA_GET 0x40020174u /* vpcp: user data get */
#define VPC_VPCP_USER_DATA_SET 0xb0020175u /* vpcp: user data set */
#define VPC_VPCMUX_DIRECT_GET 0x40050110u /* vpcmux: direct get */
#define VPC_VPCMUX_DIRECT_SET 0xb0050111u /* vpcmux: direct set */
#define VPC_VPCMUX_EXCLUSIVE_GET 0x40050112u /* vpcmux: exclusive get */
#define VPC_VPCMUX_EXCLUSIVE_SET 0xb0050113u /* vpcmux: exclusive set */
#define VPC_VPCMUX_FAR_VTEPS_GET 0x40050114u /* vpcmux: far VTEPs get */
#define VPC_VPCMUX_FAR_VTEPS_SET 0xb0050115u /* vpcmux: far VTEPs set */
#define VPC_VMNIC_QUEUES_GET 0x40060001u /* vmnic: queue count get */
#define VPC_VMNIC_QUEUES_SET 0xb0060002u /* vmnic: queue count set */
#define VPC_ETHLINK_VTAG_GET 0x40080006u /* ethlink: vtag get */
#define VPC_ETHLINK_VTAG_SET 0xb0080007u /* ethlink: vtag set */
#define VPC_HOSTIF_GUEST_GET 0x400b0100u /* hostif: guest get */
#define VPC_HOSTIF_GUEST_SET 0xb00b0101u /* hostif: guest set */
#define VPC_SUBNET_VNI_GET 0x40400110u /* subnet: VNI get */
#define VPC_SUBNET_VNI_SET 0xb0400111u /* subnet: VNI set */
#define VPC_SUBNET_PREFIX4_GET 0x40400112u /* subnet: IPv4 prefix get */
#define VPC_SUBNET_PREFIX4_SET 0xb0400113u /* subnet: IPv4 prefix set */
#define VPC_SUBNET_PREFIX6_GET 0x40400114u /* subnet: IPv6 prefix get */
#define VPC_SUBNET_PREFIX6_SET 0xb0400115u /* subnet: IPv6 prefix set */
#define VPC_SUBNET_GATEWAY4_GET 0x40400116u /* subnet: IPv4 gateway get */
#define VPC_SUBNET_GATEWAY4_SET 0xb0400117u /* subnet: IPv4 gateway set */
#define VPC_SUBNET_GATEWAY6_GET 0x40400118u /* subnet: IPv6 gateway get */
#define VPC_SUBNET_GATEWAY6_SET 0xb0400119u /* subnet: IPv6 gateway set */
#define VPC_SUBNET_MAX_PACKET_GET 0x4040011au /* subnet: largest packet get */
#define VPC_SUBNET_MAX_PACKET_SET 0xb040011bu /* subnet: largest packet set */
#define VPC_SUBNET_ROUTE_TABLE_GET 0x4040011cu /* subnet: route table get */
#define VPC_SUBNET_ROUTE_TABLE_SET 0xb040011du /* subnet: route table set */
#define VPC_SUBNET_DHCP_GET 0x40400120u /* subnet: DHCP get */
#define VPC_SUBNET_DHCP_SET 0xb0400121u /* subnet: DHCP set */
#define VPC_SUBNET_LEASE_TIME_GET 0x40400122u /* subnet: lease time get */
#define VPC_SUBNET_LEASE_TIME_SET 0xb0400123u /* subnet: lease time set */
#define VPC_SUBNET_DNS_GET 0x40400124u /* subnet: DNS servers get */
#define VPC_SUBNET_DNS_SET 0xb0400125u /* subnet: DNS servers set */
#define VPC_SUBNET_DOMAIN_GET 0x40400126u /* subnet: domain get */
#define VPC_SUBNET_DOMAIN_SET 0xb0400127u /* subnet: domain set */
#define VPC_SUBNET_NTP_GET 0x40400128u /* subnet: NTP servers get */
#define VPC_SUBNET_NTP_SET 0xb0400129u /* subnet: NTP servers set */
#define VPC_SUBNET_GUEST_ROUTES_GET 0x4040012au /* subnet: guest routes get */
#define VPC_SUBNET_GUEST_ROUTES_SET 0xb040012bu /* subnet: guest routes set */
#define VPC_SUBNET_RA_GET 0x4040012cu /* subnet: RA get */
#define VPC_SUBNET_RA_SET 0xb040012du /* subnet: RA set */
#define VPC_SUBNET_ON_LINK_GET 0x4040012eu /* subnet: on-link get */
#define VPC_SUBNET_ON_LINK_SET 0xb040012fu /* subnet: on-link set */
#define VPC_SUBNET_AUTONOMOUS_GET 0x40400130u /* subnet: autonomous get */
#define VPC_SUBNET_AUTONOMOUS_SET 0xb0400131u /* subnet: autonomous set */
#define VPC_SUBNET_MANAGED_GET 0x40400132u /* subnet: managed get */
#define VPC_SUBNET_MANAGED_SET 0xb0400133u /* subnet: managed set */
#define VPC_SUBNET_OTHER_CONFIG_GET 0x40400134u /* subnet: other configuration get */
#define VPC_SUBNET_OTHER_CONFIG_SET 0xb0400135u /* subnet: other configuration set */
#define VPC_SUBNET_METADATA_GET 0x40400136u /* subnet: metadata get */
#define VPC_SUBNET_METADATA_SET 0xb0400137u /* subnet: metadata set */
#define VPC_SUBNET_RESOLVER_GET 0x40400138u /* subnet: resolver get */
#define VPC_SUBNET_RESOLVER_SET 0xb0400139u /* subnet: resolver set */
#define VPC_SUBNET_DNS_FORWARD_GET 0x4040013au /* subnet: DNS forwarding get */
#define VPC_SUBNET_DNS_FORWARD_SET 0xb040013bu /* subnet: DNS forwarding set */
#define VPC_SUBNET_HOSTS_GET 0x4040013cu /* subnet: host names get */
#define VPC_SUBNET_HOSTS_SET 0xb040013du /* subnet: host names set */
#define VPC_VPCRTR_ROUTES_GET 0x40030100u /* vpcrtr: routes get */
#define VPC_VPCRTR_ROUTES_SET 0xb0030101u /* vpcrtr: routes set */
#define VPC_SET_NAME_GET 0x40420120u /* set: name get */
#define VPC_SET_NAME_SET 0xb0420121u /* set: name set */
#define VPC_SET_SWITCH_GET 0x40420122u /* set: switch get */
#define VPC_SET_SWITCH_SET 0xb0420123u /* set: switch set */
#define VPC_SET_NETWORKS_GET 0x40420100u /* set: networks get */
#define VPC_SET_NETWORKS_SET 0xb0420101u /* set: networks set */
#define VPC_GROUP_NAME_GET 0x40410120u /* group: name get */
#define VPC_GROUP_NAME_SET 0xb0410121u /* group: name set */
#define VPC_GROUP_SWITCH_GET 0x40410122u /* group: switch get */
#define VPC_GROUP_SWITCH_SET 0xb0410123u /* group: switch set */
#define VPC_GROUP_ON_REVOKE_GET 0x40410106u /* group: on revoke get */
#define VPC_GROUP_ON_REVOKE_SET 0xb0410107u /* group: on revoke set */
#define VPC_GROUP_TCP_IDLE_GET 0x40410108u /* group: TCP idle get */
#define VPC_GROUP_TCP_IDLE_SET 0xb0410109u /* group: TCP idle set */
#define VPC_GROUP_MEMBERS_GET 0x40410102u /* group: members get */
#define VPC_GROUP_MEMBERS_SET 0xb0410103u /* group: members set */
#define VPC_GROUP_RULES_GET 0x40410100u /* group: rules get */
#define VPC_GROUP_RULES_SET 0xb0410101u /* group: rules set */
#define VPC_VPCNAT_ROUTER_GET 0x40040100u /* vpcnat: router get */
#define VPC_VPCNAT_ROUTER_SET 0xb0040101u /* vpcnat: router set */
#define VPC_VPCNAT_ETHLINK_GET 0x40040102u /* vpcnat: ethlink get */
#define VPC_VPCNAT_ETHLINK_SET 0xb0040103u /* vpcnat: ethlink set */
#define VPC_VPCNAT_VIA_GET 0x40040104u /* vpcnat: gateway host get */
#define VPC_VPCNAT_VIA_SET 0xb0040105u /* vpcnat: gateway host set */
#define VPC_VPCNAT_PREFIX4_GET 0x40040106u /* vpcnat: IPv4 prefix get */
#define VPC_VPCNAT_PREFIX4_SET 0xb0040107u /* vpcnat: IPv4 prefix set */
#define VPC_VPCNAT_PREFIX6_GET 0x40040108u /* vpcnat: IPv6 prefix get */
#define VPC_VPCNAT_PREFIX6_SET 0xb0040109u /* vpcnat: IPv6 prefix set */
#define VPC_VPCNAT_GATEWAY4_GET 0x4004010au /* vpcnat: IPv4 gateway get */
#define VPC_VPCNAT_GATEWAY4_SET 0xb004010bu /* vpcnat: IPv4 gateway set */
#define VPC_VPCNAT_GATEWAY6_GET 0x4004010cu /* vpcnat: IPv6 gateway get */
#define VPC_VPCNAT_GATEWAY6_SET 0xb004010du /* vpcnat: IPv6 gateway set */
#define VPC_VPCNAT_POOL_GET 0x4004010eu /* vpcnat: pool get */
#define VPC_VPCNAT_POOL_SET 0xb004010fu /* vpcnat: pool set */
#define VPC_VPCNAT_FLOATS_GET 0x40040110u /* vpcnat: floats get */
#define VPC_VPCNAT_FLOATS_SET 0xb0040111u /* vpcnat: floats set */
#define VPC_VPCNAT_SHARED_GET 0x40040112u /* vpcnat: shared get */
#define VPC_VPCNAT_SHARED_SET 0xb0040113u /* vpcnat: shared set */
#define VPC_VPCNAT_KEPT_GET 0x40040114u /* vpcnat: kept blocks get */
#define VPC_VPCNAT_KEPT_SET 0xb0040115u /* vpcnat: kept blocks set */
#define VPC_META_DESTROY 0x30090001u /* meta: destroy */
#define VPC_META_TYPE_GET 0x40090002u /* meta: type get */
#define VPC_META_COMMIT 0x30090003u /* meta: commit */
#define VPC_META_MAC_SET 0xb0090004u /* meta: MAC set */
#define VPC_META_MAC_GET 0x40090005u /* meta: MAC get */
#define VPC_META_MTU_SET 0xb0090006u /* meta: MTU set */
#define VPC_META_MTU_GET 0x40090007u /* meta: MTU get */
#define VPC_META_ID_GET 0x40090008u /* meta: id get */
#define VPC_META_OWNER_GET 0x40090110u /* meta: owner get */
#define VPC_META_OWNER_SET 0xb0090111u /* meta: owner set */
#define VPC_META_NAME_GET 0x40090112u /* meta: name get */
#define VPC_META_NAME_SET 0xb0090113u /* meta: name set */
#define VPC_META_DESCRIBE 0x40090100u /* meta: describe */
#define VPC_META_LIMIT 0x80090101u /* meta: limit */
#define VPC_META_RIGHTS_GET 0x40090102u /* meta: rights get */
#define VPC_MGMT_COUNT 0xc0070001u /* mgmt: count */
#define VPC_MGMT_HEADERS 0xc0070002u /* mgmt: headers */
#define VPC_MGMT_DESCRIBE_ALL 0xc0070100u /* mgmt: describe all */
#define VPC_MGMT_STATS 0x40070101u /* mgmt: stats */
#define VPC_MGMT_DROPS_FOLLOW 0x40070102u /* mgmt: drops follow */
#define VPC_MGMT_FOLLOW 0xc0070131u /* mgmt: follow */
#define VPC_MGMT_FLOWS 0xc0070140u /* mgmt: flows */
#define VPC_MGMT_FLOWS_ACTIVE 0xc0070142u /* mgmt: active flows */
#define VPC_MGMT_USAGE 0x40070141u /* mgmt: usage */
#define VPC_MGMT_TRACE_ARRIVAL 0xc0070150u /* mgmt: trace arrival */
#define VPC_MGMT_PROBE 0x40070103u /* mgmt: probe */
#define VPC_MGMT_INFO 0x40070104u /* mgmt: info */
#define VPC_MGMT_SUPERVISE 0x80070105u /* mgmt: supervise */
#define VPC_MGMT_FIND 0xc0070116u /* mgmt: find */
#define VPC_MGMT_MOVED_KEEP 0x30070117u /* mgmt: moved units keep */
#define VPC_MGMT_TROUBLES 0x40070115u /* mgmt: troubles */
#define VPC_MGMT_EXPORT 0x40070110u /* mgmt: export */
#define VPC_MGMT_EXPORT_OWNED 0xc0070130u /* mgmt: export owned */
#define VPC_MGMT_PLAN 0xc0070111u /* mgmt: plan */
#define VPC_MGMT_APPLY 0xf0070112u /* mgmt: apply */
#define VPC_MGMT_AUDIT 0x40070113u /* mgmt: audit */
#define VPC_MGMT_REPAIR 0x70070114u /* mgmt: repair */
#define VPC_MGMT_HANDLE_OPEN 0x80070120u /* mgmt: handle open */
#define VPC_MGMT_HANDLE_CTL 0xc0070121u /* mgmt: handle ctl */
#define VPC_MGMT_HANDLE_CLOSE 0x80070122u /* mgmt: handle close */
#define VPC_MGMT_TRANSACTION 0x80070123u /* mgmt: transaction */
#define VPC_VPCSW_PORT_ADD 0xb0010001u /* vpcsw: port add */
#define VPC_VPCSW_PORT_DELETE 0xb0010002u /* vpcsw: port delete */
#define VPC_VPCSW_UPLINK_SET 0xb0010003u /* vpcsw: uplink port set */
#define VPC_VPCSW_UPLINK_GET 0x40010004u /* vpcsw: uplink port get */
#define VPC_VPCSW_RESET 0x30010007u /* vpcsw: reset */
#define VPC_VPCSW_ARP_ANSWER 0xb0010008u /* vpcsw: answer to ARP */
#define VPC_VPCSW_ND_ANSWER 0xb0010009u /* vpcsw: answer to ND */
#define VPC_VPCSW_NEIGHBOUR_SET 0xb0010102u /* vpcsw: neighbour set */
#define VPC_VPCSW_NEIGHBOUR_DELETE 0xb0010103u /* vpcsw: neighbour delete */
#define VPC_VPCSW_NEIGHBOUR_LIST 0x40010104u /* vpcsw: neighbour list */
#define VPC_VPCSW_LISTEN 0x40010107u /* vpcsw: listen */
#define VPC_VPCSW_PORT_LIST 0x40010108u /* vpcsw: port list */
#define VPC_VPCSW_SEND 0xb0010109u /* vpcsw: send */
#define VPC_VPCSW_NEIGHBOUR_FLAGS_LIST 0x40010110u /* vpcsw: neighbour list with flags */
#define VPC_VPCSW_NEIGHBOUR_USED_CLEAR 0x30010111u /* vpcsw: neighbours used clear */
#define VPC_VPCP_CONNECT 0xb0020001u /* vpcp: connect */
#define VPC_VPCP_DISCONNECT 0xb0020002u /* vpcp: disconnect */
#define VPC_VPCP_TRACE 0xc0020150u /* vpcp: trace */
#define VPC_VPCP_PEER_GET 0x40020009u /* vpcp: peer id get */
#define VPC_VPCP_FLOWS_EXPORT 0xc0020160u /* vpcp: flows export */
#define VPC_VPCP_FLOWS_IMPORT 0xf0020161u /* vpcp: flows import */
#define VPC_VMNIC_FREEZE 0x30060009u /* vmnic: freeze */
#define VPC_VMNIC_UNFREEZE 0x3006000au /* vmnic: unfreeze */
#define VPC_VMNIC_OWNER_GET 0x40060100u /* vmnic: owner get */
#define VPC_VMNIC_OWNER_SET 0xb0060101u /* vmnic: owner set */
#define VPC_VMNIC_OPEN_QUEUES_GET 0x40060103u /* vmnic: open queues get */
#define VPC_VMNIC_QUEUE_STATS 0x40060102u /* vmnic: queue stats */
#define VPC_ETHLINK_CONNECT 0xb0080001u /* ethlink: connect */
#define VPC_ETHLINK_DISCONNECT 0x30080004u /* ethlink: disconnect */
#define VPC_ETHLINK_NAME_GET 0x40080005u /* ethlink: connected name get */
#define VPC_GROUP_RULE_ADD 0xb0410110u /* group: rule add */
#define VPC_GROUP_RULE_DELETE 0xb0410111u /* group: rule delete */
#define VPC_GROUP_RULE_COUNTERS 0x40410114u /* group: rule counters */
#define VPC_GROUP_MEMBER_ADD 0xb0410112u /* group: member add */
#define VPC_GROUP_MEMBER_DELETE 0xb0410113u /* group: member delete */
#define VPC_SET_NETWORK_ADD 0xb0420110u /* set: network add */
#define VPC_SET_NETWORK_DELETE 0xb0420111u /* set: network delete */
#define VPC_VPCMUX_LISTEN 0xb0050001u /* vpcmux: listen */
#define VPC_VPCMUX_FTE_SET 0xb0050108u /* vpcmux: forwarding entries set */
#define VPC_VPCMUX_FTE_DELETE 0xb0050109u /* vpcmux: forwarding entries delete */
#define VPC_VPCMUX_FTE_LIST 0x4005010au /* vpcmux: forwarding entries list */
#define VPC_VPCMUX_ENTRY_SET 0xb0050002u /* vpcmux: forwarding entry set */
#define VPC_VPCMUX_ENTRY_DELETE 0xb0050003u /* vpcmux: forwarding entry delete */
#define VPC_VPCMUX_ENTRY_LIST 0x40050004u /* vpcmux: forwarding entry list */
#define VPC_VPCMUX_CONNECT 0xb0050005u /* vpcmux: underlay connect */
#define VPC_VPCMUX_DISCONNECT 0x30050006u /* vpcmux: underlay disconnect */
#define VPC_VPCMUX_CONNECTED_GET 0x40050007u /* vpcmux: connected id get */
#define VPC_VPCMUX_LISTEN_GET 0x40050008u /* vpcmux: listen address get */
#define VPC_VPCMUX_FTE_FLAGS_SET 0xb0050100u /* vpcmux: forwarding entries set with flags */
#define VPC_VPCMUX_FTE_FLAGS_LIST 0x40050101u /* vpcmux: forwarding entries list with flags */
#define VPC_VPCMUX_FTE_USED_CLEAR 0x30050102u /* vpcmux: forwarding entries used clear */
#define VPC_SUBNET_SWITCH_SET 0xb0400100u /* subnet: switch set */
#define VPC_SUBNET_SWITCH_GET 0x40400101u /* subnet: switch get */
#define VPC_SUBNET_ROUTER_SET 0xb0400102u /* subnet: router set */
#define VPC_SUBNET_ROUTER_GET 0x40400103u /* subnet: router get */
#define VPC_VPCRTR_ROUTE_SET 0xb0030001u /* vpcrtr: route set */
#define VPC_VPCRTR_ROUTE_DELETE 0xb0030002u /* vpcrtr: route delete */
#define VPC_VPCRTR_ROUTE_LIST 0x40030003u /* vpcrtr: route list */
#define VPC_VPCNAT_FLOAT_ADD 0xb0040120u /* vpcnat: float add */
#define VPC_VPCNAT_FLOAT_DELETE 0xb0040121u /* vpcnat: float delete */
#define VPC_VPCNAT_BLOCKS 0x40040122u /* vpcnat: block list */
#define VPC_VPCNAT_PORTS 0x40040123u /* vpcnat: port list */

#endif
