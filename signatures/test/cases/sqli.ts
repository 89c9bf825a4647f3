import { type Case, get, post } from '../traffic.js'

/** Traffic for sqli.rules. */
export const sqli: readonly Case[] = [
  {
    sid: 9006001,
    fire: get('/item?id=-1+UNION+ALL+SELECT+1,2,3'),
    nearMiss: get('/search?q=union+select+committee'),
  },
  {
    sid: 9006002,
    fire: post('/login', 'id=-1 UNION SELECT username, password FROM users'),
    nearMiss: post('/login', 'q=union select committee'),
  },
  { sid: 9006003, fire: get('/item?id=1+and+sleep(5)--'), nearMiss: get('/docs/Thread.sleep(long)') },
  { sid: 9006004, fire: post('/login', 'id=1 and sleep(5)'), nearMiss: post('/login', 'text=call sleep(n)') },
  {
    sid: 9006005,
    fire: get('/item?id=1+or+benchmark(5000000,md5(1))'),
    nearMiss: get('/docs/benchmark(fn)'),
  },
  {
    sid: 9006006,
    fire: get('/item?id=1;waitfor+delay+%270:0:5%27--'),
    nearMiss: get('/docs?q=waitfor+delay'),
  },
  {
    sid: 9006007,
    fire: post('/login', "id=1;waitfor delay '0:0:5'--"),
    nearMiss: post('/login', 'q=waitfor'),
  },
  { sid: 9006008, fire: get('/item?id=1;select+pg_sleep(5)--'), nearMiss: get('/docs/pg_sleep.html') },
  {
    sid: 9006009,
    fire: get('/item?id=1+and+(select+1+from+information_schema.tables)'),
    nearMiss: get('/docs/information_schema.html'),
  },
  {
    sid: 9006010,
    fire: post('/login', 'id=1 and exists(select 1 from information_schema.columns)'),
    nearMiss: post('/login', 'q=what is information_schema'),
  },
  {
    sid: 9006011,
    fire: get('/item.asp?id=1;exec+master..xp_cmdshell+%27dir%27'),
    nearMiss: get('/docs/xp-cmdshell.html'),
  },
  {
    sid: 9006012,
    fire: post('/login', "id=1;EXEC xp_cmdshell 'dir'"),
    nearMiss: post('/login', 'q=cmdshell'),
  },
  {
    sid: 9006013,
    fire: get('/item?id=1+and+extractvalue(1,concat(0x7e,version()))'),
    nearMiss: get('/docs/extractvalue()'),
    also: [9006020],
  },
  { sid: 9006014, fire: get('/item?id=1+and+updatexml(1,2,3)'), nearMiss: get('/docs/updatexml()') },
  {
    sid: 9006015,
    fire: get('/item?id=1+into+outfile+%27/var/www/a.php%27'),
    nearMiss: get('/tools/outfile?fmt=csv'),
  },
  {
    sid: 9006016,
    fire: get('/item?id=1+and+load_file(0x2f6574632f686f737473)'),
    nearMiss: get('/docs/load_file()'),
  },
  { sid: 9006017, fire: get('/login?user=admin%27+or+%271%27=%271'), nearMiss: get('/login?user=o%27neil') },
  { sid: 9006018, fire: post('/login', "user=admin' or '1'='1"), nearMiss: post('/login', "user=o'neil") },
  { sid: 9006019, fire: get('/item?id=5+or+1=1--'), nearMiss: get('/page1=1--2') },
  { sid: 9006020, fire: get('/item?id=1+and+concat(0x7171,2)'), nearMiss: get('/docs/concat(0x)') },
  { sid: 9006021, fire: get('/item?id=1%27+order+by+12--+-'), nearMiss: get('/items?order=by+1') },
  {
    sid: 9006022,
    fire: get('/item.asp?id=1;declare+@s+varchar(4000)'),
    nearMiss: get('/docs?q=declare+@variable'),
  },
  {
    sid: 9006023,
    fire: get('/item?id=1+and+1=utl_inaddr.get_host_name((select+1+from+dual))'),
    nearMiss: get('/docs/utl_inaddr.html'),
  },
  {
    sid: 9006024,
    fire: get('/item?id=1+and+(select+1+from+sqlite_master)'),
    nearMiss: get('/docs/sqlite_master.html'),
  },
  { sid: 9006025, fire: get('/item?id=1/*!50000union*/'), nearMiss: get('/css/a.css?x=/*!important*/') },
  { sid: 9006026, fire: get('/login?user=admin&pass[$ne]=x'), nearMiss: get('/list?filter[ne]=x') },
  {
    sid: 9006027,
    fire: post('/login', '{"user":"admin","pass":{"$ne":null}}'),
    nearMiss: post('/login', '{"op":"$ne","x":1}'),
  },
]
