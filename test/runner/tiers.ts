/**
 * The tests in tiers, by what they need: nothing, this machine's kernel, whole labs of hosts and guests, more time than
 * `npm test` has, or programs of others that it does not install. And how long each file may take.
 */

/** Seconds that a file of a tier should take on a quiet machine with two CPUs, unless `budgets` says otherwise. */
export const tiers = {
  pure: { needs: 'nothing but Node', budgetSeconds: 0.5 },
  kernel: { needs: 'root: the kernel, network namespaces, eBPF, a vpcd', budgetSeconds: 3 },
  lab: { needs: 'root: hosts and guests in namespaces, with traffic between them', budgetSeconds: 10 },
  long: { needs: 'root, QEMU and time: virtual machines, fuzzers, the demo, versions before: npm run test:long', budgetSeconds: 20 },
  integration: { needs: 'root, and a program of others for each file: npm run test:integrations', budgetSeconds: 30 },
} as const
export type Tier = keyof typeof tiers

/** The first that fits says the tier. */
const rules: readonly (readonly [path: RegExp, tier: Tier])[] = [
  [/^(bench|src\/(wire|abi|control|agent|metrics|cli\/libvirt))\//, 'pure'],
  [/^test\/(runner\/)?[a-z-]+\.test\.ts$/, 'pure'],
  [/^test\/(control\/(api|model)\/|console\/parts)/, 'pure'],
  [/^test\/(vm|kernels|fuzz)\//, 'long'],
  [/^test\/(cli\/(up|down)|lab\/demo|recovery\/older-version|control\/store\/killed-apis)\.test\.ts$/, 'long'],
  [/^test\/integrations\//, 'integration'],
  [/^(src\/lab|test\/(lab|recovery|agent))\//, 'lab'],
  [/^(src|test)\//, 'kernel'],
]

/** The tier of a test file, by its path from the root of the checkout. Throws when no rule has it. */
export function tierOf(file: string): Tier {
  const rule = rules.find(([path]) => path.test(file))
  if (rule === undefined) throw new Error(`${file} is in no tier; add a rule to test/runner/tiers.ts`)
  return rule[1]
}

/** Files that take longer than others of their tier. */
const budgets: Readonly<Record<string, number>> = {
  'test/integrations/image.test.ts': 1,
  'test/integrations/containerd.test.ts': 35,
  'test/integrations/docker.test.ts': 50,
  'test/integrations/podman.test.ts': 40,
  'test/integrations/lxc.test.ts': 15,
  'test/integrations/nspawn.test.ts': 10,
  'test/integrations/ansible.test.ts': 45,
  'test/integrations/libvirt.test.ts': 45,
  'test/bpf/there-and-back.test.ts': 1,
  'test/datapath/stateless.test.ts': 1,
  'test/datapath/tap.test.ts': 1,
  'test/daemon/protocol.test.ts': 1,
  'test/control/agents/join.test.ts': 1,
  'test/lab/raw-socket.test.ts': 2,
  'test/lab/exclusive.test.ts': 5,
  'test/lab/isolation.test.ts': 7,
  'test/recovery/moving-flows.test.ts': 6,
  'test/vm/full-disk.test.ts': 16,
  'test/cli/join.test.ts': 8,
  'test/cli/up.test.ts': 75,
  'test/cli/down.test.ts': 22,
  'test/cli/cni.test.ts': 17,
  'test/package/package.test.ts': 9,
  'test/cli/pages.test.ts': 85,
  'test/metrics/prometheus.test.ts': 12,
  'test/metrics/traffic.test.ts': 18,
  'test/cli/attach.test.ts': 5,
  'test/daemon/traps.test.ts': 8,
  'test/cli/cluster.test.ts': 6,
  'test/integrations/older-kernel.test.ts': 70,
  'test/kernels/packages.test.ts': 3,
  'test/agent/agent.test.ts': 25,
  'src/control/api/yaml-reader.test.ts': 1,
  'src/agent/feed/follower.test.ts': 3,
  'test/agent/layer3-scene.test.ts': 23,
  'test/agent/real-api.test.ts': 28,
  'test/cli/cloud-networks.test.ts': 7,
  'test/kernels/outcomes.test.ts': 1,
  'test/recovery/steps.test.ts': 34,
  'test/fuzz/fuzz.test.ts': 28,
  'test/vm/guests.test.ts': 45,
  'test/daemon/life.test.ts': 34,
  'test/datapath/fuzz.test.ts': 15,
  'test/datapath/direct.test.ts': 20,
  'test/recovery/traffic.test.ts': 40,
  'test/recovery/older-version.test.ts': 16,
  'test/datapath/wire.test.ts': 15,
  'test/abi/churn.test.ts': 15,
  'test/abi/calls.test.ts': 20,
  'test/lab/traffic.test.ts': 20,
  'test/datapath/remembered.test.ts': 9,
  'test/datapath/source-nat-model.test.ts': 5,
  'test/object/mux.test.ts': 8,
  'test/object/random-walk.test.ts': 11,
  'test/object/bad-start.test.ts': 9,
  'test/recovery/moving.test.ts': 15,
  'test/object/named-ids.test.ts': 8,
  'test/lab/interop.test.ts': 10,
  'test/lab/shared-nat.test.ts': 20,
  'test/object/unit.test.ts': 10,
  'test/object/trace.test.ts': 10,
  'test/lab/demo.test.ts': 25,
  'test/lab/probe.test.ts': 15,
  'test/cli/commands.test.ts': 12,
  'test/cli/tables.test.ts': 12,
  'test/object/recovery.test.ts': 9,
  'test/object/port.test.ts': 10,
  'test/object/apply-law.test.ts': 15,
  'test/daemon/listen.test.ts': 9,
  'test/object/life.test.ts': 12,
  'test/cli/drops.test.ts': 10,
  'test/abi/rights.test.ts': 10,
  'test/abi/supervise.test.ts': 10,
  'test/daemon/client.test.ts': 4,
  'test/daemon/long-apply.test.ts': 5,
  'test/object/long-turns.test.ts': 6,
  'test/daemon/stopped.test.ts': 4,
  'test/cli/example.test.ts': 8,
  'test/cli/apply.test.ts': 8,
  'test/object/audit.test.ts': 8,
  'test/cli/vm.test.ts': 6,
  'test/cli/refusals.test.ts': 8,
  'test/cli/layer3-refusals.test.ts': 3,
  'test/daemon/limits.test.ts': 6,
  'test/object/vmnic-owner.test.ts': 4,
  'src/datapath/datapath.test.ts': 12,
  'test/object/stray-programs.test.ts': 10,
  'test/object/host-stack.test.ts': 10,
  'test/datapath/limit-traffic.test.ts': 8,
  'test/cli/completion.test.ts': 7,
  'test/cli/db.test.ts': 8,
  'test/cli/cloud.test.ts': 8,
  'test/console/console.test.ts': 15,
  'test/console/host-console.test.ts': 10,
  'test/control/api/access.test.ts': 2,
  'test/control/api/cascade.test.ts': 4,
  'test/control/api/fuzz.test.ts': 4,
  'test/control/api/plan-steps.test.ts': 3,
  'test/control/api/plan.test.ts': 2,
  'test/control/api/tokens.test.ts': 1,
  'test/control/api/walls.test.ts': 6,
  'test/control/model/allocation.test.ts': 3,
  'test/control/model/checkpoint.test.ts': 8,
  'test/control/model/crash.test.ts': 3,
  'test/control/model/trouble.test.ts': 5,
  'test/control/feed/restart.test.ts': 2,
  'test/control/store/compare.test.ts': 2,
  'test/control/store/etcd.test.ts': 32,
  'test/control/store/killed-apis.test.ts': 16,
  'test/control/store/linearizable.test.ts': 1,
  'test/control/store/sqlite.test.ts': 4,
}

/** A test beside a source tests only that source. */
const besideSourceSeconds = 1.5

/** Seconds that a file should take. */
export const budgetOf = (file: string): number =>
  budgets[file] ?? Math.min(tiers[tierOf(file)].budgetSeconds, file.startsWith('src/') ? besideSourceSeconds : Infinity)

/** Files with a budget of their own. */
export const budgeted: readonly string[] = Object.keys(budgets)

/** Whether `npm run test:integrations` runs a file, and not `npm test`. */
export const isIntegration = (file: string): boolean => tierOf(file) === 'integration'

/** Whether `npm run test:long` runs a file, and not `npm test`. */
export const isLong = (file: string): boolean => tierOf(file) === 'long'

/**
 * Files that have the machine for themselves. They count packets that another file's load would have the kernel drop.
 * Or they emulate processors, on which vpcd loads its programs so slowly that commands take it for dead. Everything
 * else has namespaces of its own, and runs beside others.
 */
export const alone: readonly string[] = ['test/integrations/older-kernel.test.ts']
