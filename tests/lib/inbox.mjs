// The inboxes of hubs, for tests that lose what is in them.
import { until } from './wait.mjs';

export const inboxes = async (stack) => (await stack.redis('KEYS', '*:inbox')).split('\n').filter(Boolean);

// A hub that stands still has pops of its inbox under way, and each takes what comes next. Here they are used up by news() after news(); what comes from
// now on waits in the inbox. Its key.
export const usedUp = (stack, news) => until('news to wait in the inbox', async () => { await news(); return (await inboxes(stack))[0]; }, { every: 0 });
