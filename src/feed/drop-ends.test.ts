/** Dropped packets are found by both ends, by fields and by headers, and by no address that is part of another. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDropBetween } from './drop-ends.ts'

test('a dropped packet is between two ends', () => {
  const ends = [
    { id: 'a', address: '10.0.0.1' },
    { id: 'b', address: 'fd00::1' },
  ] as const
  const [one, two] = [ends[0], { id: 'c', address: '10.0.0.12' }]
  const of = (text: string): { vnic: string; text: string } => ({ vnic: 'a', text })
  assert.ok(isDropBetween(of('02:00 > 02:01 IPv4 10.0.0.1:4000 > 10.0.0.12:80 TCP S len 60'), [one, two]))
  assert.ok(isDropBetween(of('IPv4 10.0.0.12 > 10.0.0.1 ICMP echo request'), [one, two]))
  assert.ok(!isDropBetween(of('IPv4 10.0.0.11:4000 > 10.0.0.12:80 TCP S'), [one, two]))
  assert.ok(!isDropBetween(of('IPv4 10.0.0.1:4000 > 10.0.0.120:80 TCP S'), [one, two]))
  assert.ok(isDropBetween({ vnic: 'b', text: 'IPv6 [fd00::1]:4 > [fd00::2]:80 UDP' }, [ends[1], { id: 'd', address: 'fd00::2' }]))
  assert.ok(isDropBetween({ vnic: 'a', peer: '10.0.0.12', text: '' }, [two, one]))
  assert.ok(!isDropBetween({ vnic: 'a', peer: '10.0.0.13', text: '10.0.0.1 10.0.0.12' }, [one, two]))
  assert.ok(!isDropBetween(of('IPv4 10.0.0.1:4000 > 10.0.0.12:80 TCP S len 60'), [one, one]), 'a guest and itself')
})
