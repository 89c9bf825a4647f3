import { type Case, get, post, put, reply } from '../traffic.js'

/** Traffic for webshell.rules. */
export const webshell: readonly Case[] = [
  {
    sid: 9008001,
    fire: post('/images/x.php', 'a=@eval(base64_decode($_POST[z0]));&z0=ZWNobyAxOw=='),
    nearMiss: post('/images/x.php', 'a=base64_decode($_POST)'),
    also: [9004030],
  },
  {
    sid: 9008002,
    fire: post(
      '/a.php',
      'z0=QGluaV9zZXQoImRpc3BsYXlfZXJyb3JzIiwiMCIpO0BzZXRfdGltZV9saW1pdCgwKTtlY2hvKCItPnwiKTs=',
    ),
    nearMiss: post('/a.php', 'z0=QGluaV9nZXQoImRpc3BsYXlfZXJyb3JzIik='),
  },
  {
    sid: 9008003,
    fire: post('/a.php', 'ant=@ini_set("display_errors", "0");@set_time_limit(0);echo "x";'),
    nearMiss: post('/paste', 'code=@ini_set("memory_limit", "1G");'),
  },
  {
    sid: 9008004,
    fire: post('/a.php', 'x=1', { 'User-Agent': 'antSword/v2.1' }),
    nearMiss: get('/', { Referer: 'https://www.example.com/antSword/docs' }),
  },
  {
    sid: 9008005,
    fire: post('/upload', '<?php @error_reporting(0); session_start(); $key="e45e329feb5d925b";'),
    nearMiss: post('/upload', 'etag=e45e329feb5d925c'),
  },
  {
    sid: 9008006,
    fire: post('/upload', '<%! String xc="3c6e0b8a9c15224a"; String pass="pass"; %>'),
    nearMiss: post('/upload', 'etag=3c6e0b8a9c15224b'),
  },
  {
    sid: 9008007,
    fire: post('/wp-includes/css/x.php', 'a=FilesMan&c=/var/www/&p1=&p2='),
    nearMiss: post('/search', 'data=FilesManager'),
  },
  {
    sid: 9008008,
    fire: get('/wp-content/ALFA_DATA/alfacgiapi/perl.alfa'),
    nearMiss: get('/alfa_data/readme.txt'),
  },
  {
    sid: 9008009,
    fire: post(
      '/upload.php',
      '--b\r\nContent-Disposition: form-data; name="f"; filename="a.php"\r\n\r\n<?php system($_GET["c"]); ?>\r\n--b--',
    ),
    nearMiss: post('/upload.php', '<?php echo htmlspecialchars($_GET["c"]); ?>'),
  },
  {
    sid: 9008010,
    fire: put('/x.txt', '<% Runtime.getRuntime().exec(request.getParameter("c")); %>'),
    nearMiss: post('/paste', 'Runtime.getRuntime().exec("ls")'),
  },
  {
    sid: 9008011,
    fire: post('/up.aspx', '<%@ Page Language="Jscript"%><%eval(Request.Item["x"],"unsafe");%>'),
    nearMiss: post('/paste', 'never write eval(Request) in a page'),
  },
  {
    sid: 9008012,
    fire: get('/wp-content/uploads/2026/01/a.php?c=1'),
    nearMiss: get('/wp-content/uploads/2026/01/a.png'),
  },
  {
    sid: 9008013,
    fire: reply('uid=33(www-data) gid=33(www-data) groups=33(www-data)', {
      request: get('/uploads/a.php?c=id').request,
    }),
    nearMiss: reply('uid=33(www-data) gid=33(www-data)', { request: get('/man/id.html').request }),
    also: [9008012],
  },
  {
    sid: 9008014,
    fire: reply('<html><head><title>www.example.com - c99shell</title></head></html>'),
    nearMiss: reply(
      '<html><head><title>Web shells</title></head><body><p>The c99shell family is old.</p></body></html>',
    ),
  },
  {
    sid: 9008015,
    fire: reply('<html><head><title>r57shell</title></head></html>'),
    nearMiss: reply('<p>r57shell removal guide</p>'),
  },
  {
    sid: 9008016,
    fire: reply('<html><head><title>www.example.com - WSO 2.5</title>'),
    nearMiss: reply('<html><head><title>Acme - WSO Holding</title>'),
  },
  {
    sid: 9008017,
    fire: reply('<html><head><title>b374k 2.8</title></head></html>'),
    nearMiss: reply('<p>how to find b374k</p>'),
  },
  { sid: 9008018, fire: reply('<title>p0wny@shell:~#</title>'), nearMiss: reply('<p>The p0wny shell</p>') },
]
