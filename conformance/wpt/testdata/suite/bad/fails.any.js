test(() => {}, 'good');
test(() => assert_equals(1, 2, 'numbers'), 'not equal');
promise_test(async () => { throw new RangeError('over'); }, 'throws\nin two lines');
async_test((t) => { t.step(() => assert_unreached()); }, 'unreached');
