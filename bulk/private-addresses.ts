import dns from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Not of the Internet: this machine, private networks, the clouds' metadata services, and what is reserved (RFC 6890). */
const IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  // What Azure's machines reach their host by.
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
];

/** All but 2000::/3, mapped IPv4 and NAT64 included; and what in it is reserved, or leads to some IPv4 address. */
const IPV6 = ['::/3', '4000::/2', '8000::/1', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

// A list for each: one of both would take every IPv4 address for a mapped one.
const PRIVATE = { ipv4: blockList(IPV4, 'ipv4'), ipv6: blockList(IPV6, 'ipv6') };

function blockList(ranges: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [net, prefix] = range.split('/');
    list.addSubnet(net!, Number(prefix), family);
  }
  return list;
}

/** Names that lead nowhere on the Internet (RFC 6761, 6762, 8375; ICANN's .internal), and those without a dot. */
const PRIVATE_NAME = /^[^.]+$|(?:^|\.)(?:localhost|local|internal|home\.arpa)$/;

/** @param address IPv4 or IPv6. */
export function isPrivateAddress(address: string): boolean {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  return PRIVATE[family].check(address, family);
}

/** Whether the host of a URL is a private address, or a name that can only lead to one. */
export function isPrivateHost({ hostname }: URL): boolean {
  const host = hostname.replace(/^\[|\]$|\.$/g, '');
  return isIP(host) === 0 ? PRIVATE_NAME.test(host) : isPrivateAddress(host);
}

/** What `publicLookup` fails with. */
export class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError';
}

/** Finds the addresses of a name, at the time that it is connected to; none if one of them is private. */
export const publicLookup: LookupFunction = (hostname, options, done) => {
  dns.lookup(hostname, { ...options, all: true }, (error, addresses = []) => {
    const [first] = addresses;
    if (error || !first) return done(error, []);
    if (addresses.some(({ address }) => isPrivateAddress(address)))
      return done(new PrivateAddressError(), []);
    return options.all ? done(null, addresses) : done(null, first.address, first.family);
  });
};
