setup({ explicit_done: true });
test(() => {}, 'first');
