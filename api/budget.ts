/** Room for what is large. Whoever finds none waits in line, for a while. */

export interface Budget {
  /**
   * @returns what gives the room back, once; null when there was none in time
   */
  take(who: string, size: number, patienceMs: number): Promise<(() => void) | null>;
}

interface Waiter {
  who: string;
  size: number;
  admit: () => void;
}

/** @param share what one caller gets of it at most; who asks for more than that gets it once it has nothing else */
export function createBudget(total: number, share: number): Budget {
  const held = new Map<string, number>();
  const line: Waiter[] = [];
  let free = total;

  /** In the order of the line, but for those who wait for room of their own. */
  function admitNext(): void {
    for (const waiter of [...line]) {
      if (!hasOwnRoom(waiter)) continue;
      // Nobody overtakes one who waits for much, or that one would wait for ever.
      if (waiter.size > free) return;
      line.splice(line.indexOf(waiter), 1);
      waiter.admit();
    }
  }

  function hasOwnRoom({ who, size }: Waiter): boolean {
    const own = held.get(who) ?? 0;
    return own === 0 || own + size <= total * share;
  }

  function hold({ who, size }: Waiter): () => void {
    free -= size;
    held.set(who, (held.get(who) ?? 0) + size);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      free += size;
      const left = (held.get(who) ?? size) - size;
      if (left === 0) held.delete(who);
      else held.set(who, left);
      admitNext();
    };
  }

  return {
    take(who, wanted, patienceMs) {
      const size = Math.min(wanted, total);
      return new Promise((resolve) => {
        const waiter: Waiter = {
          who,
          size,
          admit: () => {
            clearTimeout(timer);
            resolve(hold(waiter));
          },
        };
        const timer = setTimeout(() => {
          line.splice(line.indexOf(waiter), 1);
          resolve(null);
          // It may have stood in the way of those behind it.
          admitNext();
        }, patienceMs);
        line.push(waiter);
        admitNext();
      });
    },
  };
}
