// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the attacks are written with ${, in plain strings
import { type Case, get, post, put } from '../traffic.js'

/** Traffic for appliances.rules. */
export const appliances: readonly Case[] = [
  {
    sid: 9003001,
    fire: get('/tmui/login.jsp/..;/tmui/locallb/workspace/fileRead.jsp?fileName=/etc/hosts'),
    nearMiss: get('/tmui/login.jsp?msgcode=1'),
  },
  {
    sid: 9003002,
    fire: post('/mgmt/tm/util/bash', '{"command":"run","utilCmdArgs":"-c id"}', {
      Connection: 'keep-alive, X-F5-Auth-Token',
      'X-F5-Auth-Token': 'a',
    }),
    nearMiss: post('/mgmt/tm/util/bash', '{}', { Authorization: 'Basic YWRtaW46YWRtaW4=' }),
  },
  { sid: 9003003, fire: get('/vpn/../vpns/cfg/smb.conf'), nearMiss: get('/vpn/index.html') },
  {
    sid: 9003004,
    fire: post('/vpns/portal/scripts/newbm.pl', 'url=http://x', {
      NSC_USER: '../../../netscaler/portal/templates/x',
      NSC_NONCE: '1',
    }),
    nearMiss: get('/vpns/portal/', { NSC_USER: 'alice', NSC_NONCE: '1' }),
  },
  {
    sid: 9003005,
    fire: get(`/gwtest/formssso?event=start&target=${'A'.repeat(200)}`),
    nearMiss: get('/gwtest/formssso?event=start&target=https://www.example.com/'),
  },
  {
    sid: 9003006,
    fire: get('/oauth/idp/.well-known/openid-configuration', { Host: 'a'.repeat(2400) }),
    nearMiss: get('/oauth/idp/.well-known/openid-configuration'),
  },
  {
    sid: 9003007,
    fire: post('/p/u/doAuthentication.do', 'login'),
    nearMiss: post('/p/u/doAuthentication.do', 'login=alice&passwd=x'),
  },
  {
    sid: 9003008,
    fire: get(
      '/dana-na/../dana/html5acc/guacamole/../../../../../../data/runtime/mtmp/system?/dana/html5acc/guacamole/',
    ),
    nearMiss: get('/dana-na/auth/url_default/welcome.cgi'),
  },
  {
    sid: 9003009,
    fire: get('/remote/fgt_lang?lang=/../../../..//////////dev/cmdb/sslvpn_websession'),
    nearMiss: get('/remote/fgt_lang?lang=en'),
    also: [9005018],
  },
  {
    sid: 9003010,
    fire: put('/api/v2/cmdb/system/admin/admin', '{"ssh-public-key1":"x"}', {
      'User-Agent': 'Report Runner',
      Forwarded: 'for="[127.0.0.1]:8000";by="[127.0.0.1]:9000";',
    }),
    nearMiss: get('/api/v2/cmdb/system/admin', { Forwarded: 'for=127.0.0.1' }),
  },
  {
    sid: 9003011,
    fire: post('/api/v2.0/cmdb/system/admin%3f/../../../../../cgi-bin/fwbcgi', '{}'),
    nearMiss: post('/cgi-bin/fwbcgi', '{}'),
  },
  {
    sid: 9003012,
    fire: get('/api/v1/totp/user-backup-code/../../license/keys-status/%3bid%3b'),
    nearMiss: get('/api/v1/totp/user-backup-code/'),
  },
  {
    sid: 9003013,
    fire: post(
      '/dana-ws/saml20.ws',
      '<ds:KeyInfo><ds:RetrievalMethod URI="http://127.0.0.1:8090/api"/></ds:KeyInfo>',
    ),
    nearMiss: post('/dana-ws/saml20.ws', '<ds:KeyInfo><ds:KeyName>k</ds:KeyName></ds:KeyInfo>'),
  },
  {
    sid: 9003014,
    fire: get('/mifs/aad/api/v2/authorized/users?adminDeviceSpaceId=1'),
    nearMiss: get('/mifs/user/api/v2/ping'),
  },
  {
    sid: 9003015,
    fire: get('/mifs/rs/api/v2/featureusage?format=%24%7b%22%22.getClass()%7d'),
    nearMiss: get('/mifs/rs/api/v2/featureusage?format=json'),
  },
  {
    sid: 9003016,
    fire: post('/moveitisapi/moveitisapi.dll?action=m2', '', {
      'X-siLock-Transaction': 'folder_add_by_path',
      'xX-siLock-Transaction': 'session_setvars',
    }),
    nearMiss: get('/moveitisapi/moveitisapi.dll?action=capa'),
  },
  {
    sid: 9003017,
    fire: post('/goanywhere/lic/accept', 'bundle=xlRqXd4EvWEQ'),
    nearMiss: get('/goanywhere/lic/accept'),
  },
  {
    sid: 9003018,
    fire: get('/goanywhere/images/..;/wizard/InitialAccountSetup.xhtml'),
    nearMiss: get('/goanywhere/wizard/InitialAccountSetup.xhtml'),
  },
  { sid: 9003019, fire: get('/SetupWizard.aspx/anything'), nearMiss: get('/SetupWizard.aspx') },
  {
    sid: 9003020,
    fire: post('/ssl-vpn/hipreport.esp', 'x=1', {
      Cookie: 'SESSID=/../../../var/appweb/sslvpndocs/global-protect/portal/images/x.txt',
    }),
    nearMiss: get('/global-protect/login.esp', { Cookie: 'SESSID=2f6c9a77-0c4f' }),
  },
  {
    sid: 9003021,
    fire: post('/php/utils/createRemoteAppwebSession.php/x.js.map', 'user=x', { 'X-PAN-AUTHCHECK': 'off' }),
    nearMiss: get('/php/login.php', { 'X-PAN-AUTHCHECK': 'on' }),
  },
  {
    sid: 9003022,
    fire: get('/unauth/%252e%252e/php/ztp_gate.php/PAN_help/x.css'),
    nearMiss: get('/unauth/php/login.php'),
  },
  {
    sid: 9003023,
    fire: post('/cgi-bin/supportInstaller', "fromEmailInvite=1&customerTID=unpossible'+UNION+SELECT+0,0"),
    nearMiss: post('/cgi-bin/supportInstaller', 'fromEmailInvite=1&customerTID=1234'),
    also: [9006002],
  },
  {
    sid: 9003024,
    fire: get('/userportal/Controller?mode=8700&operation=1&json=%7b%22%F0%9F%A6%9E%22%3a%22test%22%7d'),
    nearMiss: get('/userportal/Controller?mode=8700&operation=1&json=%7b%22a%22%3a%22test%22%7d'),
  },
  {
    sid: 9003025,
    fire: get(
      '/+CSCOT+/translation-table?type=mst&textdomain=/%2bCSCOE%2b/portal_inc.lua&default-language&lang=../',
    ),
    nearMiss: get('/+CSCOT+/translation-table?type=mst&textdomain=webvpn&lang=fr'),
  },
  {
    sid: 9003026,
    fire: post('/%2577ebui_wsma_http', '<SOAP:Envelope/>'),
    nearMiss: post('/webui_wsma_http', '<SOAP:Envelope/>'),
  },
  {
    sid: 9003027,
    fire: post('/clients/MyCRL', 'aCSHELL/../../../../../../../etc/hosts'),
    nearMiss: post('/clients/MyCRL', 'aCSHELL/index.crl'),
  },
  {
    sid: 9003028,
    fire: post('/?PHPRC=/dev/fd/0', 'auto_prepend_file="/etc/hosts"'),
    nearMiss: get('/?PHPRC=1'),
  },
  { sid: 9003029, fire: get('/web.config.i18n.ashx?l=en-US&v=1'), nearMiss: get('/web.config') },
  {
    sid: 9003030,
    fire: get('/?InternalDir=/..\\..\\..\\..\\windows&InternalFile=system.ini'),
    nearMiss: get('/?InternalDir=public&InternalFile=logo.png'),
  },
  {
    sid: 9003031,
    fire: post('/userentry?accountId=/../../../tomcat/webapps/x&symbolName=test', 'x'),
    nearMiss: get('/userentry?accountId=acme'),
    also: [9005018],
  },
  {
    sid: 9003032,
    fire: post('/commandcenter/deployWebpackage.do', 'commcellName=203.0.113.9&servicePack=x&version=x'),
    nearMiss: get('/commandcenter/deployWebpackage.do'),
  },
  {
    sid: 9003033,
    fire: get('/WebInterface/function/?command=getUserList', {
      Authorization: 'AWS4-HMAC-SHA256 Credential=crushadmin/',
    }),
    nearMiss: get('/WebInterface/login.html', {
      Authorization: 'AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/s3',
    }),
  },
]
