import { type Case, get } from '../traffic.js'

/** Traffic for exposure.rules. */
export const exposure: readonly Case[] = [
  { sid: 9011001, fire: get('/.git/config'), nearMiss: get('/project.git/info/refs') },
  { sid: 9011002, fire: get('/.env'), nearMiss: get('/.envoy/status') },
  { sid: 9011003, fire: get('/.svn/wc.db'), nearMiss: get('/docs/.svn/') },
  { sid: 9011004, fire: get('/images/.DS_Store'), nearMiss: get('/images/DS_Store.html') },
  { sid: 9011005, fire: get('/.aws/credentials'), nearMiss: get('/docs/aws/credentials') },
  { sid: 9011006, fire: get('/.ssh/id_rsa'), nearMiss: get('/man/.ssh/') },
  { sid: 9011007, fire: get('/actuator/heapdump'), nearMiss: get('/actuator/health') },
  { sid: 9011008, fire: get('/actuator/env'), nearMiss: get('/actuator/environment-docs') },
  { sid: 9011009, fire: get('/wp-config.php.bak'), nearMiss: get('/wp-config.php') },
  { sid: 9011010, fire: get('/private/.htpasswd'), nearMiss: get('/docs/htpasswd.html') },
  { sid: 9011011, fire: get('/sftp-config.json'), nearMiss: get('/config.json') },
  { sid: 9011012, fire: get('/backup.sql.gz'), nearMiss: get('/learn/intro.sql') },
  { sid: 9011013, fire: get('/telescope/requests'), nearMiss: get('/telescope/hubble') },
  { sid: 9011014, fire: get('/debug/pprof/heap'), nearMiss: get('/debug/log') },
  { sid: 9011015, fire: get('/trace.axd?id=0'), nearMiss: get('/trace.aspx') },
  { sid: 9011016, fire: get('/elmah.axd'), nearMiss: get('/elmah.html') },
]
