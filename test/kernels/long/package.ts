/**
 * The Debian package for the processor that this machine lacks, on a machine of it: vpcd of the package's files starts
 * there, and two containers reach each other. scripts/test-kernels builds the package before.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { foreignArchitecture } from '../foreign-root.ts'
import { Machine } from '../machine.ts'
import { kernelFor, newest } from '../packages.ts'

const built = join(import.meta.dirname, '../../../build/package/kernels')
const patience = 600_000
const kernel = kernelFor({ ...newest, architecture: foreignArchitecture })!

describe('the package for the other processor', () => {
  test(`vpcd of its files, and pings between two containers, ${kernel.release}`, { timeout: 1_800_000 }, async () => {
    const [file] = globSync(join(built, `vpc_*_${foreignArchitecture}.deb`))
    assert.ok(file, `there is no package in ${built}; run scripts/test-kernels`)
    const files = join(built, 'files')
    execFileSync('dpkg-deb', ['-x', file, files])
    await using machine = await Machine.boot({ name: 'package', kernel, memoryMiB: 1536 })
    // The machine sees the checkout in its place; the package's files go to theirs.
    await machine.must(`for place in usr/lib/vpc etc/vpc; do mkdir -p /$place; mount --bind ${files}/$place /$place; done
ln -sfn program /usr/lib/vpc/now
ln -s ../lib/vpc/now/bin/vpc.mjs /usr/bin/vpc`)
    const vpc = (words: string): Promise<string> =>
      machine.must(`NO_COLOR=1 PATH=/usr/sbin:/usr/bin:/sbin:/bin vpc ${words} 2>&1 </dev/null`, patience)
    assert.match(await vpc('version'), /^vpc \d.*\(Node 26/)
    await machine.must('(PATH=/usr/sbin:/usr/bin:/sbin:/bin setsid vpc daemon </dev/null >/tmp/vpcd.log 2>&1 &)')
    await machine.must('until grep -q "\\"message\\":\\"ready\\"" /tmp/vpcd.log; do sleep 1; done', patience)
    await machine.must('ip netns add a; ip netns add b')
    await vpc('switch create red --vni 5001')
    await vpc('attach red --netns a --address 10.0.0.1/24')
    await vpc('attach red --netns b --address 10.0.0.2/24')
    assert.match(await machine.must('ip netns exec a ping -c 5 -i 0.2 -W 5 10.0.0.2', patience), / 0% packet loss/)
    await vpc('audit')
  })
})
