/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the programs of one host tell each other, and what vpcd tells them, by skb->mark. Numbers never change their
 * meaning.
 */
#ifndef VPC_MARK_H
#define VPC_MARK_H

/*
 * skb->mark of a packet of ours: the upper 14 bits say what the rest means. Bits 14 and 15 are never set: kube-proxy
 * reads them as 'masquerade' and 'drop'.
 */
#define VPC_MARK_MASK 0xfffc0000u
#define VPC_MARK_OUT 0x76500000u       /* from the mux's device; the rest is the UDP port for the outer header, 0: it is right */
#define VPC_MARK_HEARD 0x76540000u     /* vpc_underlay leaves it to the stack; 1: a copy, which must not be delivered */
#define VPC_MARK_COPY 0x76540001u
#define VPC_MARK_UNIT 0x76580000u      /* on its way into a unit, through the unit's device: the host's own stack sets no such mark */
#define VPC_MARK_READY 0x765c0000u     /* has its outer header, by the direct way or from vpcd: the underlay's egress passes it unchanged */
#define VPC_MARK_OF_PORT(port) (((port) & 0xc000u) << 2 | ((port) & 0x3fffu))
#define VPC_PORT_OF_MARK(mark) (((mark) >> 2 & 0xc000u) | ((mark) & 0x3fffu))

#endif
