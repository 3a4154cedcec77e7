// META: global=window,worker
// META: script=../resources/more.js
// META: script=/resources/more2.js
'use strict';

test(() => assert_equals(fromAScript(), 'a script'), 'a script of META');
test(() => { assert_equals(also, 5); assert_throws_js(TypeError, () => null.x); }, 'a script with an absolute path');
promise_test(async (t) => {
	await promise_rejects_exactly(t, 7, Promise.reject(7));
	assert_array_equals(await fetch_json('data.json'), ['one', 'two']);
}, 'a file of the suite');
async_test((t) => { setTimeout(t.step_func_done(() => assert_true(GLOBAL.isWorker())), 1); }, 'later');
promise_test(async () => assert_equals(location.pathname, '/good/kinds.any.js'), 'location');
