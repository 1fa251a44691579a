/** A thread that reads one YAML document, while the API answers others. */
import { parentPort, workerData } from 'node:worker_threads'
import { readYaml } from './yaml-document.ts'

parentPort!.postMessage(readYaml(workerData as string), [])
