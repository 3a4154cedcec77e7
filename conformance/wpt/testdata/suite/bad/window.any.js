// META: global=window
test(() => {}, 'not run');
