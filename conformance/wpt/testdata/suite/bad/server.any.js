promise_test(() => fetch('resources/some.py'), 'asks a program');
