/** An address set: networks that rules name as one peer. */
import { networks } from '#abi/group-rule.ts'
import type { Id } from '#abi/id.ts'
import { initialSettings, settingsToJson } from '#abi/settings.ts'
import type { Context } from '../context.ts'
import type { Call } from '../operation.ts'
import { unitName, type AddressSet } from '../store/model.ts'
import { newBase, register, unregister } from '../store/registry.ts'
import type { Transaction } from '../store/transaction.ts'
import { changeRules } from './group-use.ts'
import { moveToSwitch, plain } from './group.ts'
import { type ObjectType, settersOf } from './type.ts'

function setNetworks({ model }: Context, tx: Transaction, set: AddressSet, asked: readonly string[]): void {
  tx.asked = `set the networks of ${unitName(set)}`
  const read = networks.fromJson(asked)
  if (!read.ok) return tx.refuse('EINVAL', read.problem)
  changeRules(model, tx, set, () => tx.set(set, 'networks', read.value))
}

type NetworksCall = Call<AddressSet, readonly string[]>

function readNetworks({ tx, input }: NetworksCall): readonly string[] {
  const read = networks.fromJson(input)
  return read.ok ? read.value : tx.refuse('EINVAL', read.problem)
}

export const addressSetType: ObjectType<'set'> = {
  type: 'set',
  create: (context: Context, tx: Transaction, id: Id) =>
    register<AddressSet>(context, tx, { ...newBase(context.model, 'set', id), ...initialSettings('set') }),
  dismantle: (context, tx, set) => changeRules(context.model, tx, set, () => unregister(context, tx, set)),
  state: () => ({}),
  setters: settersOf<'set'>({
    name: (_, tx, set, name) => plain(tx, set, () => tx.set(set, 'name', name)),
    switch: ({ model }, tx, set, sw) => moveToSwitch(model, tx, set, sw),
    networks: setNetworks,
  }),
  kept: [],
  operations: {
    setNetworkAdd(call) {
      const { context, tx, object: set } = call
      tx.asked = `add networks to ${unitName(set)}`
      setNetworks(context, tx, set, [...new Set([...set.networks, ...readNetworks(call)])])
    },
    setNetworkDelete(call) {
      const { context, tx, object: set } = call
      tx.asked = `delete networks of ${unitName(set)}`
      const there = new Set(set.networks)
      for (const network of readNetworks(call)) if (!there.delete(network)) tx.refuse('ENOENT', `${network} is not in it`)
      setNetworks(context, tx, set, [...there])
    },
  },
  describe: (_, set) => settingsToJson('set', set),
}
