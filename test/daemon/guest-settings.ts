/** All settings by which a subnet's gateway tells guests something, set and read again by the library. */
import assert from 'node:assert/strict'

/** What a gateway tells guests. */
const flags = { dhcp: true, ra: true, onLink: false, autonomous: false, managed: true, otherConfig: true, metadata: true, resolver: true }
const servers = {
  dns: '10.1.0.53, fd01::53',
  ntp: 'fd01::123',
  domain: 'a.example',
  dnsForward: '192.0.2.53',
  hosts: '10.1.0.9 far\nfd01::9 far b.example',
  guestRoutes: '172.16.0.0/12 via 10.1.0.7',
}
const told = { ...flags, ...servers, leaseTime: 600, routeTable: 3 }

/** Set each, and hold what is read against it. */
export async function setGuestServices(subnet: object): Promise<void> {
  const methods = subnet as Readonly<Record<string, (value?: unknown) => Promise<unknown>>>
  for (const [name, value] of Object.entries(told)) {
    await methods[`set${name[0]!.toUpperCase()}${name.slice(1)}`]!(value)
    assert.equal(await methods[name]!(), value, name)
  }
}
