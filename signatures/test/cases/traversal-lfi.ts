import { type Case, get, post } from '../traffic.js'

/** Traffic for traversal-lfi.rules. */
export const traversalLfi: readonly Case[] = [
  {
    sid: 9005001,
    fire: get('/cgi-bin/.%2e/.%2e/.%2e/.%2e/etc/hosts'),
    nearMiss: get('/cgi-bin/.%2e/index.html'),
  },
  { sid: 9005002, fire: get('/cgi-bin/.%%32%65/.%%32%65/bin/sh'), nearMiss: get('/cgi-bin/.%32%65/') },
  {
    sid: 9005003,
    fire: get('/download?file=../../../etc/passwd'),
    nearMiss: get('/man/etc_passwd.5.html'),
    also: [9005018],
  },
  { sid: 9005004, fire: get('/download?file=/etc/shadow'), nearMiss: get('/man/etc_shadow.5.html') },
  { sid: 9005005, fire: get('/view?f=c:%5Cwindows%5Cwin.ini'), nearMiss: get('/support/articles/win.ini') },
  { sid: 9005006, fire: get('/?page=/proc/self/environ'), nearMiss: get('/man/proc/self/index.html') },
  {
    sid: 9005007,
    fire: get('/index.php?page=php://filter/convert.base64-encode/resource=config.php'),
    nearMiss: get('/tags/php:/overview'),
  },
  {
    sid: 9005008,
    fire: post('/index.php?page=php://input', '<?php echo 1;'),
    nearMiss: get('/tags/php:/introduction'),
  },
  { sid: 9005009, fire: get('/index.php?page=expect://id'), nearMiss: get('/expect:/manual') },
  {
    sid: 9005010,
    fire: get('/index.php?page=data://text/plain;base64,PD9waHAgZWNobyAxOw=='),
    nearMiss: get('/encode?data=base64'),
  },
  { sid: 9005011, fire: get('/%2e/WEB-INF/web.xml'), nearMiss: get('/docs/WEB-INF/') },
  { sid: 9005012, fire: get('/static/..%2f..%2f..%2fetc/hosts'), nearMiss: get('/static/..%2findex.html') },
  { sid: 9005013, fire: get('/a/%252e%252e%252f%252e%252e%252fetc/hosts'), nearMiss: get('/a/%252e%252e') },
  {
    sid: 9005014,
    fire: get('/jobmanager/logs/..%252f..%252f..%252fetc%252fhosts'),
    nearMiss: get('/jobmanager/logs/a%252fb'),
  },
  { sid: 9005015, fire: get('/theme/META-INF/%c0%ae%c0%ae/%c0%ae%c0%ae/x'), nearMiss: get('/caf%c3%a9/x') },
  {
    sid: 9005016,
    fire: get('/scripts/..%5c..%5cwinnt/system32/cmd.exe?/c+dir'),
    nearMiss: get('/scripts/a%5cb'),
  },
  { sid: 9005017, fire: get('/app/..;/..;/manager/html'), nearMiss: get('/app/v1;a=1/v2') },
  { sid: 9005018, fire: get('/view?file=../../../boot.cfg'), nearMiss: get('/view?file=../../boot.cfg') },
  {
    sid: 9005019,
    fire: get('/public/plugins/alertlist/../../../../../conf/defaults.ini'),
    nearMiss: get('/public/plugins/alertlist/module.js'),
  },
  {
    sid: 9005020,
    fire: get('/%2F%2F%2F%2F%2F%2F%2F..%2F..%2F..%2Fetc%2Fhosts'),
    nearMiss: get('/%2F%2F%2Fa'),
    also: [9005012],
  },
  { sid: 9005021, fire: post('/.%0d./.%0d./.%0d./bin/sh', 'id'), nearMiss: get('/.%0d/') },
  { sid: 9005022, fire: get('/index.php?page=../inc/config.php%00.html'), nearMiss: get('/bin?d=%00%01') },
]
