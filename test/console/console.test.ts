/** The console in a real browser, on a real API: what people do with it, with eyes, keys and readers of screens. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { kinds } from '#resource/kinds.ts'
import { ConsoleScene } from './browser.ts'
import { checkCharts } from './charts.ts'
import { checkMatrix } from './matrix.ts'
import { checkAnswers } from './why-answers.ts'

let scene: ConsoleScene
before(async () => {
  scene = await ConsoleScene.start()
  await scene.ask('POST', '/orgs', { name: 'acme' })
  await scene.ask('POST', '/accounts', { name: 'shop', org: 'acme' })
  await scene.ask('POST', '/regions', { name: 'r1' })
  await scene.ask('POST', '/facilities', { name: 'f1', region: 'r1' })
  for (const n of [1, 2, 3]) await scene.ask('POST', '/hosts', { name: `h${n}`, facility: 'f1', underlay: [{ address: `192.0.2.${n}` }] })
})
after(() => scene[Symbol.asyncDispose]())

test('the page loads nothing from elsewhere and runs nothing inline; its files are small', async () => {
  const { url } = scene.api
  const redirect = await fetch(`${url}/`, { redirect: 'manual' })
  assert.equal(redirect.headers.get('location'), '/console/')
  const response = await fetch(`${url}/console/`)
  const policy = response.headers.get('content-security-policy')!
  assert.match(policy, /default-src 'none'/)
  assert.doesNotMatch(policy, /unsafe|https?:|\*/)
  const html = await response.text()
  assert.doesNotMatch(html, /<script>|<style>|style=|https?:/)
  const script = await fetch(`${url}/console/console.js`)
  assert.ok((await script.text()).length < 300_000)
  const again = await fetch(`${url}/console/console.js`, { headers: { 'if-none-match': script.headers.get('etag')! } })
  assert.equal(again.status, 304)
  for (const name of ['nothing.js', '..%2fpackage.json', '%2e%2e/package.json'])
    assert.equal((await fetch(`${url}/console/${name}`)).status, 404)
})

test('somebody signs in by a token, and stays so', async () => {
  const { page, api, token } = scene
  await page.goto(`${api.url}/`)
  await page.getByLabel('Token').fill('vpc_wrong')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').getByText('the token is not known').waitFor()
  await scene.checkAccess('sign-in')
  await page.getByLabel('Token').fill(token)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await page.reload()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  assert.equal(await page.evaluate('JSON.stringify(localStorage) + document.cookie'), '{}', 'scripts see no token')
})

test('a form says what is wrong at the field, and then makes the thing', async () => {
  const { page } = scene
  await scene.ask('POST', '/vpcs', { name: 'red', account: 'shop' })
  await scene.go('#/subnets/new', 'New subnet')
  await page.getByLabel('vpc required').fill('red')
  await page.getByLabel('network 4').fill('10.0.0.0/40')
  await page.getByLabel('name required').fill('web')
  await page.getByRole('button', { name: 'Create subnet' }).click()
  const network = page.getByLabel('network 4')
  await page.locator('.objection').first().waitFor()
  assert.equal(await network.getAttribute('aria-invalid'), 'true')
  assert.match((await page.locator('.field', { has: network }).locator('.objection').textContent())!, /prefix/)
  await page.waitForFunction('document.activeElement.id === "f-network4"')
  await scene.checkAccess('error-at-field')
  await network.fill('10.0.0.0/20')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'web', exact: true }).waitFor()
  assert.equal((await scene.ask('GET', '/subnets/web?vpc=red')).network4, '10.0.0.0/20')
})

test('who edits what another has changed sees both, and decides', async () => {
  const { page } = scene
  const { id } = await scene.ask('GET', '/subnets/web?vpc=red')
  await scene.go(`#/subnets/${id}/edit`, 'Edit subnet web')
  assert.ok(await page.getByLabel('network 4').isDisabled(), 'what never changes')
  await scene.ask('PATCH', `/subnets/${id}`, { ra: 'off' }, { 'if-match': '*' })
  await page.getByLabel('description').fill('of mine')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Somebody has changed it meanwhile').waitFor()
  await scene.checkAccess('conflict')
  assert.equal((await scene.ask('GET', `/subnets/${id}`)).description, '')
  await page.getByRole('button', { name: 'Write yours over it' }).click()
  await page.getByRole('heading', { level: 1, name: 'web', exact: true }).waitFor()
  const now = await scene.ask('GET', `/subnets/${id}`)
  assert.deepEqual([now.description, now.ra], ['of mine', 'off'], 'only what was changed here was written')
})

test('a group shows what would change before it does', async () => {
  const { page } = scene
  const { id } = await scene.ask('POST', '/groups', {
    name: 'app',
    account: 'shop',
    rules: [{ direction: 'in', protocol: 'tcp', ports: ['80', '443'] }, { direction: 'out' }],
  })
  await scene.go(`#/groups/${id}/edit`, 'Edit group app')
  await page.getByRole('button', { name: 'Remove rule 2' }).click()
  await page.getByRole('button', { name: 'Add rule' }).click()
  await page.getByLabel('protocol').nth(1).selectOption('udp')
  await page.getByRole('group', { name: 'rule 2' }).getByRole('button', { name: 'Add port' }).click()
  await page.getByRole('textbox', { name: 'ports 1' }).nth(1).fill('53')
  await page.getByRole('button', { name: 'Show what would change' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('1 unchanged').waitFor()
  assert.equal(await dialog.locator('.gone').count(), 1)
  assert.match((await dialog.locator('.come').textContent())!, /udp.*53/)
  await scene.checkAccess('group-review')
  assert.equal((await scene.ask('GET', `/groups/${id}`)).rules[1].direction, 'out', 'nothing has changed yet')
  await dialog.getByRole('button', { name: 'Apply' }).click()
  await page.getByRole('heading', { level: 1, name: 'app', exact: true }).waitFor()
  assert.deepEqual((await scene.ask('GET', `/groups/${id}`)).rules[1].ports, ['53'])
})

test('a thousand vnics: a page of the table, a search, what others change', async () => {
  const { page } = scene
  const make = async (n: number): Promise<void> =>
    scene.ask('POST', '/vnics', { name: `v${n}`, account: 'shop', subnet: 'red/web', groups: ['app'] })
  for (let n = 0; n < 1000; n += 50) await Promise.all(Array.from({ length: 50 }, (_, i) => make(n + i)))
  await scene.drawMs('#/vnics', 'tbody tr')
  await page.getByText('1000 rows').waitFor()
  assert.equal(await page.locator('tbody tr').count(), 50)
  await scene.go('#/', 'Overview')
  const drawn = await scene.drawMs('#/vnics', 'tbody tr')
  console.log(`# the table of 1000 vnics was drawn in ${drawn.toFixed(0)} ms`)
  assert.ok(drawn < 5_000)
  await page.keyboard.press('/')
  await page.keyboard.type('v99')
  await page.getByText('11 rows').waitFor()
  const { id } = await scene.ask('GET', '/vnics/v99')
  await scene.ask('PATCH', `/vnics/${id}`, { name: 'other' }, { 'if-match': '*' })
  await page.getByText('10 rows').waitFor()
  await scene.checkAccess('vnics')
})

test('the picture of a vpc folds what is many, and is drawn at once', async () => {
  const { page } = scene
  const { id } = await scene.ask('GET', '/vpcs/red')
  await scene.ask('POST', '/routers', { name: 'core', vpc: 'red', interfaces: [{ subnet: 'web' }] })
  for (const n of [1, 2, 3]) await scene.ask('PUT', `/vnics/v${n}/binding`, { host: n === 3 ? 'h2' : 'h1' })
  await scene.go('#/', 'Overview')
  const drawn = await scene.drawMs(`#/vpcs/${id}/picture`, 'svg .vnic.unplugged')
  await page.getByText('1000 vnics in 1 subnet on 2 hosts').waitFor()
  await page.getByRole('link', { name: 'router core' }).waitFor()
  await page.getByRole('link', { name: '2 vnics on h1' }).waitFor()
  await scene.checkAccess('picture')
  assert.ok((await page.locator('.picture .vnic').count()) < 100)
  await page.getByText('show all').click()
  await page.waitForFunction('document.querySelectorAll(".picture .vnic").length === 1000')
  console.log(`# the picture of 1000 vnics was drawn in ${drawn.toFixed(0)} ms`)
  assert.ok(drawn < 5_000)
  await page.getByRole('link', { name: '2 vnics on h1' }).click()
  await page.getByText('2 rows').waitFor()
})

test('who reaches whom is a table; a cell says why, by mouse and by keys', () => checkMatrix(scene))

test('the question why is answered hop by hop', async () => {
  const { page } = scene
  await scene.go('#/vnics', 'vNICs')
  await scene.go('#/why', /Why/)
  await page.getByRole('button', { name: 'Ask' }).click()
  await page.locator('.objection').first().waitFor()
  await page.getByLabel('from required').fill('v1')
  await page.getByLabel('to required').fill('v3')
  await page.getByLabel('protocol').selectOption('tcp')
  await page.getByLabel('port').fill('22')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'It does not get there.' }).waitFor()
  await page.locator('.hops .obstacle').getByRole('link', { name: 'group shop/app' }).waitFor()
  await page.getByText(/vpc cloud group set shop\/app/).waitFor()
  await scene.checkAccess('why')
  await page.getByRole('textbox', { name: 'port' }).fill('80')
  await page.getByRole('button', { name: 'Ask' }).click()
  await page.getByRole('heading', { name: /(not do it yet|does not get there)/ }).waitFor()
})

test('what hosts count becomes charts, and a drop a question', async () => {
  const { page } = scene
  const vnic = await scene.ask('GET', '/vnics/v1')
  const { say } = await scene.joinHost('h1')
  const counts = (n: number) => ({
    vnic: vnic.id,
    rxPackets: 10 * n,
    rxBytes: 1_000_000 * n,
    txPackets: 5 * n,
    txBytes: 500 * n,
    flows: 3,
    drops: { sg_denied: 2 * n },
  })
  const time = new Date().toISOString()
  const [address] = vnic.addresses
  const [other] = (await scene.ask('GET', '/vnics/v3')).addresses
  const drop = { time, vnic: vnic.id, reason: 'sg_denied', length: 60, vni: 1, direction: 'in', peer: '10.0.0.1', rule: null } as const
  await say({ vnics: [counts(1)], drops: [] })
  await say({ vnics: [counts(2)], drops: [{ ...drop, peer: other, text: `IPv4 ${other}:4000 > ${address}:22 TCP S len 60` }] })
  await scene.go(`#/vnics/${vnic.id}`, 'v1')
  await page.getByRole('img', { name: /^bytes: from guests .*, to guests/ }).waitFor()
  await page.getByText('at most 100 kB/s').waitFor()
  await page.getByRole('img', { name: /^drops by reason: sg_denied/ }).waitFor()
  await page.getByText('at most 0.20 /s').waitFor()
  await checkCharts(scene)
  await scene.go(`#/drops?vpc=${vnic.vpc}`, 'Drops')
  const row = page.getByRole('row', { name: /sg_denied/ })
  await row.getByRole('link', { name: 'app' }).waitFor()
  await scene.checkAccess('drops')
  // Drops are those of the vpc that was looked at last, not of the first by name.
  await scene.ask('POST', '/vpcs', { name: 'aside', account: 'shop' })
  await scene.go(`#/vpcs/${vnic.vpc}`, 'red')
  await scene.go('#/drops', 'Drops')
  await row.getByRole('link', { name: 'app' }).waitFor()
  await scene.ask('DELETE', '/vpcs/aside')
  await say({
    vnics: [],
    drops: [{ ...drop, time: new Date(Date.parse(time) + 1000).toISOString(), text: `IPv4 10.0.0.1:9 > ${address}:23 TCP S len 60` }],
  })
  await page.getByText('2 packets').waitFor()
  await scene.ask('POST', '/pools', { name: 'public', facility: 'f1', prefix: '198.51.100.0/28' })
  const { id: hostId } = await scene.ask('GET', '/hosts/h1')
  await scene.ask('PATCH', `/hosts/${hostId}`, { wires: [{ pool: 'public', interface: 'em1' }] }, { 'if-match': '*' })
  const nat = await scene.ask('POST', '/nats', { name: 'out', vpc: 'red', pool: 'public' })
  const table = await scene.ask('POST', '/route-tables', { name: 'all', vpc: 'red', routes: [{ destination: '0.0.0.0/0', nat: 'out' }] })
  await scene.ask('PATCH', `/subnets/${vnic.subnet}`, { routeTable: table.id }, { 'if-match': '*' })
  const natCounts = (n: number) => {
    const { vnic: _, flows: __, ...counted } = counts(n)
    return [{ nat: `${nat.vpc}.${nat.pool}`, ...counted }]
  }
  for (const n of [1, 2]) await say({ vnics: [], nats: natCounts(n), drops: [] })
  await scene.go(`#/vpcs/${vnic.vpc}/picture`, /Picture/)
  // What is old is no news: say more until it shows.
  const [lost, passing] = [page.getByRole('link', { name: /drops? on h1/ }), page.getByText(/^↑ .*B.s ↓ .*B.s ✕/).first()]
  for (let n = 3; n < 20 && !((await lost.isVisible()) && (await passing.isVisible())); n++) {
    await say({
      vnics: [counts(n)],
      nats: natCounts(n),
      drops: [{ ...drop, time: new Date().toISOString(), text: '' }],
    })
    await lost
      .or(passing)
      .first()
      .waitFor({ timeout: 2_000 })
      .catch(() => {})
    await page.waitForTimeout(200)
  }
  await passing.waitFor()
  await lost.waitFor()
  // Edges are thicker where more passes: from the subnet to the host and to its router, and on the wire of the NAT.
  await page.getByText(/^↑ \d+ B.s ↓ \d+ kB.s$/).waitFor()
  const [all, lossy] = await Promise.all(['.flow', '.flow.lossy'].map((which) => page.locator(`.picture path${which}`).count()))
  assert.deepEqual([all, lossy], [3, 2])
  await scene.checkAccess('picture-traffic')
  await page.goBack()
  await row.first().getByRole('link', { name: 'sg_denied' }).click()
  await page.locator('tr.here', { hasText: 'sg_denied' }).waitFor()
  await page.goBack()
  await row
    .filter({ hasText: `${address}:22` })
    .getByRole('link', { name: /Why/ })
    .click()
  await page.getByRole('heading', { level: 1, name: /Why/ }).waitFor()
  assert.equal(await page.getByRole('textbox', { name: 'port' }).inputValue(), '22')
  await page.getByRole('heading', { name: 'It does not get there.' }).waitFor()
  await page.getByText(`> ${address}:22`).waitFor()
})

test('events show up by themselves, lead to what they are about, and are fewer by choice', async () => {
  const { page } = scene
  await scene.go('#/events', 'Events')
  await page
    .getByRole('status')
    .filter({ hasText: /^\d+ events/ })
    .waitFor()
  const first = page.locator('tbody tr').first()
  const group = await scene.ask('POST', '/groups', { name: 'seen', account: 'shop' })
  await first.getByText('created').waitFor()
  await scene.ask('PATCH', `/groups/${group.id}`, { description: 'now' }, { 'if-match': '*' })
  await first.getByText('changed: description').waitFor()
  await scene.checkAccess('events')
  await page.getByRole('combobox', { name: /^event/ }).selectOption('created')
  await page.getByRole('combobox', { name: /^kind/ }).selectOption('group')
  await page.getByRole('searchbox').fill('seen')
  await page.getByText('1 event', { exact: true }).waitFor()
  await page.getByRole('searchbox').fill('nobody')
  await page.getByText(/None of them fits/).waitFor()
  await page.getByRole('searchbox').fill('seen')
  await first.getByRole('link', { name: 'group shop/seen' }).click()
  await page.getByRole('heading', { level: 1, name: 'seen', exact: true }).waitFor()
  await scene.ask('DELETE', `/groups/${group.id}`)
  const vnic = await scene.ask('GET', '/vnics/v1')
  await scene.go(`#/events?vnic=${vnic.id}`, 'Events')
  await page.getByText('of vnic v1').waitFor()
  await page
    .locator('tbody tr', { hasText: /dropped \d+ packets.*sg_denied/ })
    .first()
    .waitFor()
  await page.getByRole('combobox', { name: /^since/ }).selectOption('24')
  await page.locator('tbody tr', { hasText: 'plugged in on host h1' }).first().waitFor()
})

test('keys do what a mouse does', async () => {
  const { page } = scene
  await scene.go('#/subnets', 'Subnets')
  await page.locator('tbody tr').first().waitFor()
  await page.locator('main').focus()
  await page.keyboard.press('?')
  await page.getByRole('dialog').waitFor()
  await scene.checkAccess('keys')
  await page.keyboard.press('Escape')
  await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'web', exact: true }).waitFor()
  await page.keyboard.press('e')
  await page.getByRole('heading', { level: 1, name: 'Edit subnet web' }).waitFor()
  await page.keyboard.press('g')
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
})

test('what others use is not deleted, and says by whom; what nobody uses is', async () => {
  const { page } = scene
  const { id } = await scene.ask('GET', '/groups/app')
  await scene.go(`#/groups/${id}`, 'app')
  await page.getByRole('button', { name: 'Delete' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Delete' }).click()
  await dialog.getByRole('alert').getByText('and 980 more').waitFor()
  await scene.checkAccess('in-use')
  await page.keyboard.press('Escape')
  const list = await scene.ask('POST', '/prefix-lists', { name: 'office', account: 'shop', entries: ['198.51.100.0/24'] })
  await scene.go(`#/prefix-lists/${list.id}`, 'office')
  await page.getByRole('button', { name: 'Delete' }).click()
  await dialog.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('heading', { level: 1, name: 'Prefix lists' }).waitFor()
  await page.getByText('There are none yet.').waitFor()
})

test('every kind has its table and its form, which nothing keeps people from', async () => {
  const { page } = scene
  for (const { kind, plural } of kinds) {
    await scene.go(`#/${plural}`, /./)
    await page.getByRole('status').filter({ hasText: 'row' }).waitFor()
    await scene.go(`#/${plural}/new`, `New ${kind.replaceAll('-', ' ')}`)
  }
  const wide = ['routers', 'subnets', 'hosts', 'accounts']
  for (const plural of wide) {
    await scene.go(`#/${plural}/new`, /^New/)
    await scene.checkAccess(`new-${plural}`)
  }
})

test('overview, details and the audit log keep nobody out either', async () => {
  const { page } = scene
  const vnic = await scene.ask('GET', '/vnics/v1')
  await scene.ask('PUT', `/vnics/${vnic.id}/binding`, { host: 'h1' })
  await scene.go('#/', 'Overview')
  await page.getByText('no machine has joined as this host').first().waitFor()
  await scene.checkAccess('overview')
  await scene.go(`#/vnics/${vnic.id}`, 'v1')
  await page.getByText('Changes of the last day').waitFor()
  await scene.checkAccess('vnic')
  await scene.go('#/audit', 'Audit log')
  await page.locator('tbody tr').nth(20).waitFor()
  await scene.checkAccess('audit')
  await scene.go('#/nowhere', 'There is no such page')
})

test('API, page and command answer why alike, and what they say would allow it does', () => checkAnswers(scene))

test('a viewer sees the networks of an account, and no way to change them', async () => {
  const { page, api } = scene
  const { id } = await scene.ask('POST', '/principals', { name: 'eve', account: 'shop' })
  await scene.ask('POST', '/role-bindings', { principal: id, role: 'viewer', account: 'shop' })
  const { token } = await scene.ask('POST', '/tokens', { principal: id })
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel('Token').fill(token)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await page.getByRole('link', { name: '1000 vNICs' }).waitFor()
  for (const name of ['Principals', 'Audit log']) assert.equal(await page.getByRole('link', { name }).count(), 0, name)
  await page.goto(`${api.url}/console/#/groups`)
  await page.getByRole('link', { name: 'app' }).click()
  await page.getByRole('heading', { level: 1, name: 'app', exact: true }).waitFor()
  for (const name of ['Edit', 'Delete']) assert.equal(await page.getByText(name, { exact: true }).count(), 0, name)
  assert.equal(await page.getByRole('alert').count(), 0)
  // Whose token is destroyed sees nothing more.
  const [{ id: own }] = (await scene.ask('GET', `/tokens?principal=${id}`)).items
  await scene.ask('DELETE', `/tokens/${own}`)
  await page.getByLabel('Token').waitFor()
})

test('somebody signs out, and the cookie is worth nothing', async () => {
  const { page, token } = scene
  await page.getByLabel('Token').fill(token)
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel('Token').waitFor()
  await page.reload()
  await page.getByLabel('Token').waitFor()
  assert.deepEqual(scene.complaints, [])
})
