import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDomain, withOwnNames } from './domain.ts'
import { escapeXml, parseXml } from './xml.ts'

test('XML is read as it is written', () => {
  const read = parseXml(
    `<?xml version="1.0"?><!-- <no> --><a x='1' y="a &gt; &#65;&#x42; > b"><p:b xmlns:p='urn:p'/> t &lt;<![CDATA[<&]]></a>\n`,
  )
  assert.deepEqual([read.name, read.attributes, read.text], ['a', { x: '1', y: 'a > AB > b' }, 't <<&'])
  assert.deepEqual([read.children[0]!.name, read.children[0]!.namespace], ['b', 'urn:p'])
  assert.equal(parseXml(`<a x='${escapeXml(`<&'">`)}'/>`).attributes.x, `<&'">`)
  for (const bad of ['', 'text', '<a>', '<a></b>', '</a>', '<a/><b/>', '<a x=>', '<a', '<a><b></a></b>'])
    assert.throws(() => parseXml(bad), { name: 'Failure', message: /no XML document/ }, bad)
})

const domain = (metadata: string, devices: string): string =>
  `<domain><name>g</name><uuid>u</uuid><metadata>${metadata}</metadata><devices>${devices}</devices></domain>`
const nic = `<interface type='ethernet'><mac address='52:54:00:00:00:01'/><target dev='w' managed='no'/><driver queues='2'/></interface>`
const wish = (text: string): string => `<v:interfaces xmlns:v='urn:vpc:libvirt'><v:interface ${text}/></v:interfaces>`

test('a domain says what its interfaces are connected to', () => {
  const [one] = readDomain(domain(wish(`dev='w' switch='s' vni='5' addresses='10.0.0.1, fd00::1'`), nic)).interfaces
  assert.deepEqual(one, {
    dev: 'w',
    mac: '52:54:00:00:00:01',
    queues: 2,
    mtuBytes: undefined,
    addresses: ['10.0.0.1', 'fd00::1'],
    to: { host: { switch: 's', vni: 5, vlan: undefined, hostname: undefined } },
  })
  assert.deepEqual(readDomain(domain(wish(`dev='w'`), nic)).interfaces[0]!.to, { cloud: { vnic: 'w', subnet: undefined, groups: [] } })
  // Metadata of others.
  assert.deepEqual(readDomain(domain(`<o:interfaces xmlns:o='urn:o'><o:interface dev='w'/></o:interfaces>`, nic)).interfaces, [])
})

test('a saved domain gets the names of its interfaces back, in their order', () => {
  const two = wish(`dev='w'`).replace('</v:interfaces>', `<v:interface dev='x'/></v:interfaces>`)
  const saved = (dev: string): string => nic.replace(`dev='w'`, `dev='${dev}'`)
  assert.equal(withOwnNames(domain(two, saved('vmnic7') + saved('vmnic3'))), domain(two, nic + saved('x')))
  assert.equal(withOwnNames(domain(two, nic + saved('x'))), domain(two, nic + saved('x')))
  assert.throws(() => withOwnNames(domain(two, saved('vmnic7'))), /has 1 interfaces of vpc, and its metadata 2; detach what was plugged in/)
})

test('what is wrong is named', () => {
  const refused = (metadata: string, devices: string, why: RegExp): void =>
    assert.throws(() => readDomain(domain(metadata, devices)), { name: 'Failure', message: why })
  refused(wish(`dev='w' switch='s' subnet='n'`), nic, /w has subnet, of the cloud, and switch, of this host/)
  refused(wish(`dev='w' vni='5'`), nic, /w has vni, but no switch/)
  refused(wish(`dev='w' switch='s' vni='16777216'`), nic, /vni of w is a number from 0 to 16777215, not '16777216'/)
  for (const dev of ['../w', '.w', '-w', 'w&quot;', 'sixteen-letters-'])
    refused(wish(`dev='${dev}'`), nic, /dev is the name of the interface's target: letters/)
  refused(wish(`dev='w'`) + wish(`dev='w'`), nic, /there are two interfaces w/)
  refused(wish(`dev='x'`), nic, /x of domain g is in its metadata alone/)
  refused(wish(`dev='w'`), nic.replace(`managed='no'`, ''), /must be type='ethernet' with <target dev='w' managed='no'\/>/)
  refused(wish(`dev='w'`), nic.replace(`queues='2'`, ''), /needs 2 to 16 queues/)
  refused(wish(`dev='w'`), nic.replace(/<mac[^>]*>/, ''), /has no MAC address/)
})
