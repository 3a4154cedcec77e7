// META: variant=?a
// META: variant=?b
test(() => assert_in_array(location.search, ['?a', '?b']), 'variant ' + location.search);
