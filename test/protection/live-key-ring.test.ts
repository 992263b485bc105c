import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { withCurrent, withNewKey } from '../../protection/key-ring-changes.js';
import { KeyRingError, type KeyRingJson } from '../../protection/key-ring-json.js';
import { KeyRing } from '../../protection/key-ring.js';
import { LiveKeyRing, RETIREMENT_WAIT_MS } from '../../protection/live-key-ring.js';

const MINUTE = 60_000;
const NOW = new Date('2026-11-24T12:00:00Z');
const first = KeyRing.generate();
const k1 = first.current;
const { ring: added, keyId: k2 } = withNewKey(first, NOW);
const rotated = withCurrent(added, k2, NOW);

/** A provider whose key ring the test exchanges. */
class Provider {
  readonly source = 'test';
  readonly maxAgeMs = 1_000;
  ring: KeyRingJson = first;
  broken = false;
  reads = 0;
  /** Holds a reading up after it has seen the key ring. */
  gate: Promise<void> = Promise.resolve();

  async read(): Promise<string> {
    this.reads += 1;
    const text = JSON.stringify(this.ring);
    const { broken } = this;
    await this.gate;
    if (broken) throw new KeyRingError('test', 'cannot be read');
    return text;
  }
}

let provider: Provider;
const events = {
  onChange: vi.fn<(ring: KeyRing) => void>(),
  onProblem: vi.fn<(error: KeyRingError) => void>(),
};
let live: LiveKeyRing;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW });
  provider = new Provider();
  vi.resetAllMocks();
  live = await LiveKeyRing.open(provider, events);
});
afterEach(() => {
  vi.useRealTimers();
});

const later = (ms: number) => vi.setSystemTime(Date.now() + ms);
const current = async () => (await live.latest()).currentKeyId;

describe('a live key ring', () => {
  it('seals with a new current key once it has grown old, and reports the change', async () => {
    provider.ring = rotated;
    expect(await current()).toBe(k1);
    later(1_001);
    expect(await current()).toBe(k2);
    expect(events.onChange).toHaveBeenCalledTimes(1);
    expect(await current()).toBe(k2);
    expect(provider.reads).toBe(2);
  });

  it('is read again at once for a key that it does not know, and not for one that it knows', async () => {
    provider.ring = added;
    expect((await live.knowing(k1)).knows(k2)).toBe(false);
    expect((await live.knowing(k2)).knows(k2)).toBe(true);
    expect(provider.reads).toBe(2);
  });

  it('does not rely on a reading that began before it was asked', async () => {
    let open = () => {};
    provider.gate = new Promise((resolve) => (open = resolve));
    const early = live.knowing(k2);
    provider.ring = added;
    const asked = live.knowing(k2);
    open();
    expect((await asked).knows(k2)).toBe(true);
    await early;
    expect(provider.reads).toBe(3);
  });

  it('is read once for all who ask at once', async () => {
    provider.ring = added;
    let open = () => {};
    provider.gate = new Promise((resolve) => (open = resolve));
    later(2_000);
    const asked = Array.from({ length: 20 }, () => live.latest());
    open();
    await Promise.all(asked);
    expect(provider.reads).toBe(2);
  });

  it('goes on for ten minutes with what it has when it cannot be read, opens for ever, and recovers', async () => {
    provider.broken = true;
    later(9 * MINUTE);
    expect(await current()).toBe(k1);
    expect(events.onProblem).toHaveBeenCalledTimes(1);
    expect(await current()).toBe(k1);
    expect(provider.reads).toBe(2);
    later(2 * MINUTE);
    await expect(live.latest()).rejects.toThrow('key ring test: cannot be read');
    expect((await live.knowing(k1)).knows(k1)).toBe(true);
    expect((await live.knowing(k2)).knows(k2)).toBe(false);
    provider.broken = false;
    later(MINUTE);
    expect(await current()).toBe(k1);
  });

  it('stops sealing with an old key well before that key may be retired', async () => {
    provider.broken = true;
    later(RETIREMENT_WAIT_MS - 4 * MINUTE);
    await expect(live.latest()).rejects.toThrow(KeyRingError);
  });

  it('is read again when the clock was set back', async () => {
    provider.ring = rotated;
    later(-MINUTE);
    expect(await current()).toBe(k2);
  });

  it('keeps the one at hand when the new one is wrong', async () => {
    provider.ring = { ...rotated, current: 'k9' };
    later(2_000);
    expect(await current()).toBe(k1);
    expect(events.onProblem).toHaveBeenCalledWith(expect.objectContaining({ code: 'KEY_RING_INVALID' }));
  });
});
