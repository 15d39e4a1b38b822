// listeners, advertised.listeners and listener.security.protocol.map as one list: where to listen, what to
// tell clients, what is spoken there. A KRaft file also names controller listeners: they are known and left
// closed, for the catalog needs none.
import { ConfigError } from './value.ts'

export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'

export interface Listener {
  /** Upper case, as Kafka names them. */
  name: string
  /** Empty: all addresses. */
  host: string
  /** 0: a free one. */
  port: number
  securityProtocol: SecurityProtocol
  /** What clients are told; port 0 stands for the port that was got. */
  advertisedHost: string
  advertisedPort: number
}

export interface ListenerTexts {
  /** null: nobody set it. */
  listeners: string | null
  advertised: string | null
  protocolMap: string
  controllerNames: readonly string[]
  /** Told to clients for a listener on all addresses. */
  hostName?: string
}

interface Address { name: string, host: string, port: number }

/** Kinder than Kafka's :9092 on all addresses under the machine's own name: nobody outside reaches a broker
 *  that was just tried out. */
export const defaultListeners = 'PLAINTEXT://127.0.0.1:9092'
const defaultAdvertisedHost = 'localhost'
const protocols: readonly string[] = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']
const addressShape = /^([^:/]+):\/\/(?:\[([0-9a-fA-F:%.]+)\]|([^:]*)):(-?\d+)$/

export function parseListeners (texts: ListenerTexts): Listener[] {
  const given = texts.listeners ?? defaultListeners
  const protocolOf = parseProtocolMap(texts.protocolMap)
  const advertised = texts.advertised === null ? [] : parseAddresses('advertised.listeners', texts.advertised)
  const controllers = new Set(texts.controllerNames.map(name => name.toUpperCase()))
  const open = parseAddresses('listeners', given).filter(address => !controllers.has(address.name))
  if (open.length === 0) throw new ConfigError('listeners', given, 'at least one listener for clients is needed')
  for (const { name } of advertised) {
    if (!controllers.has(name) && !open.some(address => address.name === name)) {
      throw new ConfigError('advertised.listeners', texts.advertised, `listeners has no listener named ${name}`)
    }
  }
  return open.map(address => {
    const told = advertised.find(other => other.name === address.name)
    if (told?.host === '0.0.0.0') {
      throw new ConfigError('advertised.listeners', texts.advertised, 'clients cannot connect to 0.0.0.0')
    }
    return {
      ...address,
      securityProtocol: protocolFor(address.name, protocolOf, given),
      advertisedHost: told?.host || advertisedHost(address.host, texts),
      advertisedPort: told?.port ?? address.port
    }
  })
}

/** As Kafka the address that is listened on; a name that means this machine where that is no address of it,
 *  or nobody chose one (then both address families are open). */
function advertisedHost (
  host: string, { listeners, hostName = defaultAdvertisedHost }: ListenerTexts
): string {
  if (listeners === null) return defaultAdvertisedHost
  return host === '' || host === '0.0.0.0' || host === '::' ? hostName : host
}

function protocolFor (
  name: string, map: ReadonlyMap<string, SecurityProtocol>, given: string
): SecurityProtocol {
  const protocol = map.get(name)
  if (protocol === undefined) {
    throw new ConfigError('listeners', given, `listener.security.protocol.map does not say which protocol ${name} speaks`)
  }
  return protocol
}

function parseAddresses (key: string, text: string): Address[] {
  const addresses: Address[] = []
  for (const entry of text.split(',').map(part => part.trim()).filter(part => part !== '')) {
    const match = addressShape.exec(entry)
    if (match === null) throw new ConfigError(key, text, `expected NAME://host:port, comma separated, but found ${entry}`)
    const port = Number(match[4])
    if (port < 0 || port > 65535) {
      throw new ConfigError(key, text, `a port is a number from 0 to 65535, not ${match[4]}`)
    }
    const address = { name: match[1].toUpperCase(), host: match[2] ?? match[3], port }
    checkTwins(key, text, addresses, address)
    addresses.push(address)
  }
  return addresses
}

/** As Kafka: a name once; a port once, unless the two addresses are of the two address families. */
function checkTwins (key: string, text: string, addresses: readonly Address[], address: Address): void {
  for (const other of addresses) {
    if (other.name === address.name) {
      throw new ConfigError(key, text, `the name ${address.name} is there twice`)
    }
    if (key === 'listeners' && other.port === address.port && address.port !== 0 &&
      other.host.includes(':') === address.host.includes(':')) {
      throw new ConfigError(key, text, `the port ${address.port} is there twice`)
    }
  }
}

function parseProtocolMap (text: string): Map<string, SecurityProtocol> {
  const key = 'listener.security.protocol.map'
  const map = new Map<string, SecurityProtocol>()
  for (const entry of text.split(',').map(part => part.trim()).filter(part => part !== '')) {
    const [name, protocol, ...more] = entry.split(':').map(part => part.trim().toUpperCase())
    if (name === '' || more.length > 0 || !protocols.includes(protocol)) {
      throw new ConfigError(key, text, `expected NAME:PROTOCOL with one of ${protocols.join(', ')}, but found ${entry}`)
    }
    if (map.has(name)) throw new ConfigError(key, text, `the name ${name} is there twice`)
    map.set(name, protocol as SecurityProtocol)
  }
  return map
}
