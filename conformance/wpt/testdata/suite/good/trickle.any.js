promise_test(async () => {
	const response = await fetch('../resources/trickle.py?count=2&ms=1');
	assert_equals(await response.text(), 'TEST_TRICKLE\nTEST_TRICKLE\n');
}, 'the one program that the runner stands in for');
test(() => {
	function f(a, a) { return typeof implied; }
	implied = f();
	assert_equals(implied, 'undefined');
	assert_equals(new Request('x/y').url, new URL('x/y', location).href);
	assert_true(new Request('/') instanceof Request);
	class R extends Request {}
	assert_true(new R('/') instanceof R);
}, 'files are sloppy scripts, and addresses relative to them');
